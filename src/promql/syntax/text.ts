const SIMPLE_ESCAPES: Readonly<Record<string, string>> = {
  a: '\u0007',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  "'": "'",
  '"': '"',
}
const NUMBERED = /^(?:x([0-9a-fA-F]{2})|([0-7]{3})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))/
const encoder = new TextEncoder()

/**
 * A byte that is no valid UTF-8 where it stands is kept as a lone surrogate (U+DC80 to U+DCFF), so that nothing is lost
 * and `isWellFormed` tells.
 */
const BYTE_ESCAPE = 0xdc00

/** The text that a Go string literal means (quotes taken off), or the offset of the escape that is none. */
export function unescape(body: string): { readonly text: string } | { readonly badAt: number } {
  if (!body.includes('\\')) return { text: body }
  const bytes: number[] = []
  for (let index = 0; index < body.length;) {
    const code = body.codePointAt(index) ?? 0
    if (code !== 0x5c) {
      const character = String.fromCodePoint(code)
      bytes.push(...encoder.encode(character))
      index += character.length
      continue
    }
    const length = pushEscape(bytes, body.slice(index + 1, index + 10))
    if (length === 0) return { badAt: index }
    index += 1 + length
  }
  return { text: decodeBytes(bytes) }
}

/** Appends what an escape means and returns its length without the backslash, or 0 where it is none. */
function pushEscape(bytes: number[], rest: string): number {
  const simple = SIMPLE_ESCAPES[rest.charAt(0)]
  if (simple !== undefined) {
    bytes.push(...encoder.encode(simple))
    return 1
  }
  const match = NUMBERED.exec(rest)
  if (match === null) return 0
  const [whole, hex, octal, short, long] = match
  if (hex !== undefined) bytes.push(Number.parseInt(hex, 16))
  if (octal !== undefined) bytes.push(Number.parseInt(octal, 8) & 0xff)
  const code = short ?? long
  if (code !== undefined) {
    const point = Number.parseInt(code, 16)
    if (point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return 0
    bytes.push(...encoder.encode(String.fromCodePoint(point)))
  }
  return whole.length
}

function decodeBytes(bytes: readonly number[]): string {
  let text = ''
  for (let index = 0; index < bytes.length;) {
    const length = sequenceLength(bytes, index)
    if (length === 0) {
      text += String.fromCharCode(BYTE_ESCAPE + (bytes[index] ?? 0))
      index += 1
      continue
    }
    text += new TextDecoder().decode(Uint8Array.from(bytes.slice(index, index + length)))
    index += length
  }
  return text
}

/** How many bytes from `index` make one valid UTF-8 character; 0 when none do. */
function sequenceLength(bytes: readonly number[], index: number): number {
  const first = bytes[index] ?? 0
  if (first < 0x80) return 1
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2
  if (first < 0xc2 || first > 0xf4) return 0
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(Uint8Array.from(bytes.slice(index, index + length)))
  } catch {
    return 0
  }
  return index + length <= bytes.length ? length : 0
}

/** Quotes as Go's `%q` does, bytes that are no UTF-8 as `\xNN`. */
export function quote(text: string): string {
  let quoted = '"'
  for (const character of text) quoted += quoteCharacter(character)
  return `${quoted}"`
}

function quoteCharacter(character: string): string {
  const code = character.codePointAt(0) ?? 0
  if (character === '"' || character === '\\') return `\\${character}`
  if (code >= 0x20 && code < 0x7f) return character
  if (code >= 0xdc80 && code <= 0xdcff) return `\\x${(code - BYTE_ESCAPE).toString(16)}`
  const named = { '\u0007': 'a', '\b': 'b', '\f': 'f', '\n': 'n', '\r': 'r', '\t': 't', '\v': 'v' }[character]
  if (named !== undefined) return `\\${named}`
  if (code < 0x20 || code === 0x7f) return `\\x${code.toString(16).padStart(2, '0')}`
  return character
}

/** A float as Go's `FormatFloat(x, 'f', -1)` writes it: shortest digits, never an exponent. */
export function formatFloat(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  if (value === Infinity) return '+Inf'
  if (value === -Infinity) return '-Inf'
  const shortest = Object.is(value, -0) ? '-0' : String(value)
  if (!shortest.includes('e')) return shortest
  const [mantissa = '', exponentText = '0'] = shortest.split('e')
  const sign = mantissa.startsWith('-') ? '-' : ''
  const [whole = '', fraction = ''] = mantissa.replace('-', '').split('.')
  const exponent = Number(exponentText)
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${whole}${fraction}`
  return `${sign}${whole}${fraction}${'0'.repeat(exponent - fraction.length)}`
}

/** A float as Go's `%g` and `%v` write it: an exponent below 1e-4 and from 1e21. */
export function formatShort(value: number): string {
  const magnitude = Math.abs(value)
  if (!Number.isFinite(value) || magnitude === 0 || (magnitude >= 1e-4 && magnitude < 1e21)) return formatFloat(value)
  const [mantissa = '', exponent = '0'] = value.toExponential().split('e')
  const size = Number(exponent)
  return `${mantissa}e${size < 0 ? '-' : '+'}${String(Math.abs(size)).padStart(2, '0')}`
}
