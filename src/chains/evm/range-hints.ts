/**
 * What an endpoint said about the range it was asked for: a number of blocks it bears (a rule of its own, which holds
 * from now on), blocks that would work this time (because of how much lies in them), or only that it was too much.
 */
export type RangeHint =
  | { readonly kind: 'limit'; readonly blocks: number }
  | { readonly kind: 'try'; readonly blocks: number }
  | { readonly kind: 'smaller' }

/** Numbers as providers write them: `10,000`, `10000`, `10k`. */
const NUMBER = String.raw`(\d[\d,_']*k?)`

/** A range that would work, in hex or decimal: `[0x1, 0x2f]`, `100-200`. */
const SUGGESTED =
  /(?:try with this block range|this block range should work:?|retry with the range)\s*\[?\s*(0x[0-9a-f]+|\d+)\s*[,-]\s*(0x[0-9a-f]+|\d+)/i

/** Texts that name the largest number of blocks. Providers' own words, gathered in the facts and their sources. */
const LIMITS: readonly RegExp[] = [
  String.raw`limited to (?:a |0 ?- ?)?${NUMBER}`,
  String.raw`max(?:imum)?\.? (?:allowed )?(?:block )?range(?: is|:| of)? ${NUMBER}`,
  String.raw`exceeds? max block range:? ${NUMBER}`,
  String.raw`block range exceeds ${NUMBER}`,
  String.raw`block range (?:greater|larger) than ${NUMBER} max`,
  String.raw`limit the query to at most ${NUMBER} blocks`,
  String.raw`range is too large, max is ${NUMBER}`,
  String.raw`ranges over ${NUMBER} blocks are not supported`,
  String.raw`exceeds the range allowed for your plan \(\d+ > ${NUMBER}\)`,
  String.raw`up to an? ${NUMBER} block range`,
  String.raw`query must be smaller than size ${NUMBER}`,
  String.raw`maximum \[from, ?to\] blocks distance: ${NUMBER}`,
].map((pattern) => new RegExp(pattern, 'i'))

/** Texts that say only that it was too much: of blocks, of logs, or of bytes. Their numbers do not count blocks. */
const TOO_MUCH: readonly RegExp[] = [
  /block range (?:is )?too (?:wide|large|big)/i,
  /range is too (?:wide|large|big)/i,
  /block range limit exceeded/i,
  /exceeds? max results/i,
  /returned more than [\d,]+ results/i,
  /logs matched by query exceeds limit/i,
  /response size (?:should not|exceeded|is larger|too large|exceeds)/i,
  /(?:backend )?response (?:is )?too large/i,
  /too many (?:logs|results|blocks)/i,
  /no backend is currently healthy to serve traffic/i,
  /query timeout exceeded/i,
  /query (?:timed out|execution exceeded)/i,
]

/** Reads a hint out of an error's text; undefined: it is not about the range. */
export function rangeHint(message: string): RangeHint | undefined {
  const suggested = SUGGESTED.exec(message)
  if (suggested !== null) {
    const [, from = '', to = ''] = suggested
    const blocks = Number(to) - Number(from) + 1
    return blocks > 0 ? { kind: 'try', blocks } : { kind: 'smaller' }
  }
  for (const limit of LIMITS) {
    const [, written] = limit.exec(message) ?? []
    if (written === undefined) continue
    const blocks = readNumber(written)
    return blocks > 0 ? { kind: 'limit', blocks } : { kind: 'smaller' }
  }
  return TOO_MUCH.some((pattern) => pattern.test(message)) ? { kind: 'smaller' } : undefined
}

function readNumber(text: string): number {
  const digits = text.replaceAll(/[,_'k]/gi, '')
  return Number(digits) * (/k$/i.test(text) ? 1000 : 1)
}
