import { inspect } from 'node:util'

const SHOWN = '<secret>'

/**
 * A value that shows as `<secret>` wherever it is printed, logged, inspected or turned into JSON. `reveal` is the only
 * way to the text, and is called where the text leaves for the service it belongs to.
 */
export class Secret {
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  reveal(): string {
    return this.#text
  }

  toString(): string {
    return SHOWN
  }

  toJSON(): string {
    return SHOWN
  }

  [inspect.custom](): string {
    return SHOWN
  }
}

/**
 * A URL fit for logs: scheme, host, port and path. User, password, query and fragment go, and so does every piece of the
 * path that is long enough to be a key (20 characters or more without a dot), because providers put theirs there.
 */
export function redactUrl(url: string): string {
  let parsed: URL
  try {
    parsed = new URL(url)
  } catch {
    return '<not a URL>'
  }
  const path = parsed.pathname
    .split('/')
    .map((piece) => (piece.length >= 20 && !piece.includes('.') ? SHOWN : piece))
    .join('/')
  return `${parsed.protocol}//${parsed.host}${path === '/' ? '' : path}`
}

/** Shorter pieces of a path are words such as `rpc`, `v2` and `mainnet`; hiding them would only garble messages. */
const PATH_KEY_LENGTH_MIN = 8
const VALUE_LENGTH_MIN = 3

/**
 * Takes whatever of a URL may be a key out of a text: services like to quote it back, as in "Cannot POST /hooks/...".
 *
 * @param url a valid URL
 */
export function createUrlRedactor(url: string): (text: string) => string {
  const { username, password, pathname, search, searchParams } = new URL(url)
  const secrets = [
    ...[`${pathname}${search}`, pathname, ...pathname.split('/')].filter(
      (piece) => piece.length >= PATH_KEY_LENGTH_MIN,
    ),
    ...[username, password, ...searchParams.values()].filter((value) => value.length >= VALUE_LENGTH_MIN),
  ].flatMap((piece) => [piece, decodedText(piece)])
  return (text) => secrets.reduce((shown, secret) => shown.replaceAll(secret, SHOWN), text)
}

function decodedText(piece: string): string {
  try {
    return decodeURIComponent(piece)
  } catch {
    return piece
  }
}
