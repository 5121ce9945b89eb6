import { createHash, timingSafeEqual } from 'node:crypto'

import type { FastifyRequest } from 'fastify'

import type { Secret } from '../lib/secret.ts'
import type { Actor, Role } from '../operations/index.ts'

/** Who may ask (design.md section 4). */
export interface Access {
  readonly tokens: readonly { readonly name: string; readonly role: Role; readonly token: Secret }[]
  /** Answer anyone beyond loopback. */
  readonly open: boolean
  /** Hosts beside loopback's own names that a request to loopback may carry: the external URL's. */
  readonly hosts: readonly string[]
  /** Whoever comes by loopback needs a token too. */
  readonly tokensOnly?: boolean
}

/** A request that is refused before anything is looked at. */
export class Refused extends Error {
  override readonly name = 'Refused'
  readonly status: 401 | 403

  constructor(status: 401 | 403, message: string) {
    super(message)
    this.status = status
  }
}

const ANYONE_HERE: Actor = { name: 'loopback', role: 'admin' }
const ANYONE: Actor = { name: 'anyone', role: 'viewer' }

/**
 * On loopback anyone may ask, but not a page of another site that a browser on this machine has open: a foreign `Host`
 * (DNS rebinding) or `Origin` is refused. Beyond loopback a token decides, unless the server is open.
 */
export function createAccess(access: Access): {
  check(request: FastifyRequest): void
  actorOf(request: FastifyRequest): Actor
} {
  const hosts = new Set(['localhost', '127.0.0.1', '[::1]', ...access.hosts])
  const tokens = access.tokens.map((entry) => ({
    actor: { name: entry.name, role: entry.role },
    digest: digest(entry.token.reveal()),
  }))

  function byToken(request: FastifyRequest): Actor | undefined {
    const header = request.headers.authorization
    if (header === undefined) return undefined
    const given = digest(header.replace(/^Bearer\s+/i, ''))
    const match = tokens.find((entry) => timingSafeEqual(entry.digest, given))
    if (match === undefined) throw new Refused(401, 'this token is not known')
    return match.actor
  }

  function isForeign(text: string | undefined): boolean {
    return text !== undefined && !isOurs(text, hosts)
  }

  return {
    check(request) {
      if (access.tokensOnly === true || !isOnLoopback(request)) {
        if (!access.open && byToken(request) === undefined) {
          throw new Refused(401, 'a token is needed: send it as Authorization: Bearer <token>')
        }
        return
      }
      if (isForeign(request.headers.host)) throw new Refused(403, 'this server does not answer for that Host')
      if (isForeign(hostOfOrigin(request.headers.origin))) {
        throw new Refused(403, 'this server does not answer that Origin')
      }
    },
    actorOf(request) {
      const actor = byToken(request)
      if (actor !== undefined) return actor
      return isOnLoopback(request) ? ANYONE_HERE : ANYONE
    },
  }
}

function isOnLoopback(request: FastifyRequest): boolean {
  const address = request.socket.localAddress ?? ''
  return address === '::1' || address.startsWith('127.') || address.startsWith('::ffff:127.')
}

function isOurs(host: string, hosts: ReadonlySet<string>): boolean {
  const name = host.replace(/:\d+$/, '').toLowerCase()
  return hosts.has(name) || /^127\.\d+\.\d+\.\d+$/.test(name)
}

function hostOfOrigin(origin: string | undefined): string | undefined {
  if (origin === undefined) return undefined
  return origin.replace(/^[a-z]+:\/\//i, '')
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
