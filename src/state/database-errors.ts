import { AlreadyRunning, ConfigError, type FailureReason, messageOf, OutsideError } from '../lib/errors.ts'

interface Failure {
  readonly reason: FailureReason
  readonly retry: boolean
  readonly words: string
}

/** SQLite's result codes, and PostgreSQL's and the system's, by how they begin: the first that fits counts. */
const FAILURES: readonly (readonly [begins: string, failure: Failure])[] = [
  ['SQLITE_FULL', { reason: 'local', retry: true, words: 'the disk is full' }],
  ['SQLITE_IOERR', { reason: 'local', retry: true, words: 'the disk does not take or give the data' }],
  ['SQLITE_READONLY', { reason: 'local', retry: true, words: 'it may not be written' }],
  ['SQLITE_CANTOPEN', { reason: 'local', retry: true, words: 'it cannot be opened or made' }],
  ['SQLITE_PERM', { reason: 'local', retry: true, words: 'it may not be opened' }],
  ['SQLITE_BUSY', { reason: 'local', retry: true, words: 'another program holds it' }],
  ['SQLITE_LOCKED', { reason: 'local', retry: true, words: 'another program holds it' }],
  ['SQLITE_NOTADB', { reason: 'local', retry: false, words: 'it is no database' }],
  ['SQLITE_CORRUPT', { reason: 'local', retry: false, words: 'it is damaged: restore a backup' }],
  ['SQLITE_TOOBIG', { reason: 'too-large', retry: false, words: 'a row is too large' }],
  ['EACCES', { reason: 'local', retry: true, words: 'permission denied' }],
  // An immutable folder, or one of the kernel's own.
  ['EPERM', { reason: 'local', retry: true, words: 'permission denied' }],
  ['ENOENT', { reason: 'local', retry: true, words: 'there is no such place, and none can be made' }],
  ['EROFS', { reason: 'local', retry: true, words: 'the file system is read-only' }],
  ['ENOSPC', { reason: 'local', retry: true, words: 'the disk is full' }],
  ['ENOTDIR', { reason: 'local', retry: true, words: 'a part of its path is no folder' }],
  ['EEXIST', { reason: 'local', retry: true, words: 'a part of its path is no folder' }],
  ['53', { reason: 'local', retry: true, words: 'the database server has no room, memory or connection left' }],
  ['28', { reason: 'auth', retry: false, words: 'the database server refused user or password' }],
  ['42501', { reason: 'auth', retry: false, words: 'the database user may not do that' }],
  ['3D000', { reason: 'not-found', retry: false, words: 'the database server has no such database' }],
  ['25006', { reason: 'local', retry: true, words: 'the database server is read-only' }],
  ['40', { reason: 'server-error', retry: true, words: 'the database server asked to try again' }],
  ['57', { reason: 'unreachable', retry: true, words: 'the database server is stopping or starting' }],
  ['08', { reason: 'unreachable', retry: true, words: 'the connection broke' }],
  ['ECONN', { reason: 'unreachable', retry: true, words: 'no connection' }],
  ['ENOTFOUND', { reason: 'unreachable', retry: true, words: 'no such host' }],
  ['EAI_AGAIN', { reason: 'unreachable', retry: true, words: 'the host name cannot be looked up' }],
  ['ENETUNREACH', { reason: 'unreachable', retry: true, words: 'no route' }],
  ['EHOSTUNREACH', { reason: 'unreachable', retry: true, words: 'no route' }],
  ['EPIPE', { reason: 'unreachable', retry: true, words: 'the connection broke' }],
  ['ETIMEDOUT', { reason: 'timeout', retry: true, words: 'no answer in time' }],
  ['CERT_', { reason: 'tls', retry: false, words: 'its certificate was not accepted' }],
  ['ERR_TLS', { reason: 'tls', retry: false, words: 'its certificate was not accepted' }],
  ['DEPTH_ZERO_SELF_SIGNED', { reason: 'tls', retry: false, words: 'its certificate was not accepted' }],
  ['SELF_SIGNED_CERT', { reason: 'tls', retry: false, words: 'its certificate was not accepted' }],
  ['UNABLE_TO_VERIFY', { reason: 'tls', retry: false, words: 'its certificate was not accepted' }],
]

/** What `pg` says without a code when a connection is lost or never came. */
const LOST_CONNECTION =
  /connection terminated|timeout exceeded when trying to connect|client has encountered a connection/i

/**
 * Turns what a database driver threw into a sentence; our own errors, and our own mistakes, stay as they are.
 *
 * @param place what the sentence calls the database: a file, or host and name without credentials
 */
export function explain(thrown: unknown, place: string): unknown {
  const failure = failureOf(thrown)
  if (failure === undefined) return thrown
  return new OutsideError(failure.reason, `The state in ${place} failed: ${failure.words} (${messageOf(thrown)}).`, {
    retry: failure.retry,
    cause: thrown,
  })
}

/** The same for what goes wrong at the start, where all but a lost connection is the operator's to mend. */
export function explainAtStart(thrown: unknown, place: string): unknown {
  const failure = failureOf(thrown)
  if (failure === undefined) return thrown
  if (failure.reason !== 'local' && failure.retry) return explain(thrown, place)
  return new ConfigError([
    { message: `the state in ${place} cannot be used: ${failure.words} (${messageOf(thrown)})`, path: 'storage' },
  ])
}

function failureOf(thrown: unknown): Failure | undefined {
  const isOurs = [OutsideError, ConfigError, AlreadyRunning].some((kind) => thrown instanceof kind)
  if (!(thrown instanceof Error) || isOurs) return undefined
  const code = 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : ''
  const known = FAILURES.find(([begins]) => code.startsWith(begins))?.[1]
  if (known !== undefined) return known
  if (LOST_CONNECTION.test(thrown.message)) {
    return { reason: 'unreachable', retry: true, words: 'the connection broke' }
  }
  // Several addresses of one host, each refused: Node wraps them.
  return thrown instanceof AggregateError ? failureOf(thrown.errors[0]) : undefined
}
