import { LimitError } from './errors.ts'
import { formatValue, TEXT_MAX } from './format.ts'
import { kindOf, typeName } from './value.ts'

/** Go refuses wider ones, too. */
const WIDTH_MAX = 1_000_000

const DIRECTIVE = /%([+\-# 0]*)(\[\d+\])?(\*|\d+)?(?:(\.)(\[\d+\])?(\*|\d+)?)?(\[\d+\])?([\s\S])?/gu

/** The arguments of one call, and which comes next. */
interface Arguments {
  readonly values: readonly unknown[]
  next: number
  /** An index was named: then nobody counts what was left over. */
  isReordered: boolean
}

/** Go's `fmt.Sprintf`. Faults of the format stand in the text, as in Go: `%!d(MISSING)`, `%!(EXTRA int=1)`. */
export function sprintf(text: string, values: readonly unknown[]): string {
  const args: Arguments = { values, next: 0, isReordered: false }
  let result = ''
  let from = 0
  for (const match of text.matchAll(DIRECTIVE)) {
    result += text.slice(from, match.index) + directive(match, args)
    from = match.index + match[0].length
    if (result.length > TEXT_MAX) throw new LimitError(`a text is longer than ${TEXT_MAX} characters`)
  }
  result += text.slice(from)
  const extra = args.isReordered ? [] : values.slice(args.next)
  if (extra.length === 0) return result
  const shown = extra.map((value) => (kindOf(value) === 'nil' ? '<nil>' : `${typeName(value)}=${formatValue(value)}`))
  return `${result}%!(EXTRA ${shown.join(', ')})`
}

function directive(match: RegExpExecArray, args: Arguments): string {
  const [, flags = '', first, width, point, second, precision, third, letter] = match
  if (letter === undefined) return '%!(NOVERB)'
  let isBadIndex = !reorder(args, first)
  const wide = measure(width, args)
  isBadIndex ||= !reorder(args, second)
  const precise = point === undefined ? undefined : measure(precision ?? '0', args)
  isBadIndex ||= !reorder(args, third)
  if (letter === '%') return '%'
  if (isBadIndex) return `%!${letter}(BADINDEX)`
  const faults = `${wide === 'bad' ? '%!(BADWIDTH)' : ''}${precise === 'bad' ? '%!(BADPREC)' : ''}`
  if (args.next >= args.values.length) return `${faults}%!${letter}(MISSING)`
  const value = args.values[args.next]
  args.next += 1
  const isLeft = typeof wide === 'number' && wide < 0
  return (
    faults +
    formatValue(value, {
      letter,
      flags: isLeft ? `${flags}-` : flags,
      width: typeof wide === 'number' ? Math.abs(wide) : undefined,
      precision: typeof precise === 'number' && precise >= 0 ? precise : undefined,
    })
  )
}

/** `[2]`: the second argument comes next. False where there is none. */
function reorder(args: Arguments, index: string | undefined): boolean {
  if (index === undefined) return true
  args.isReordered = true
  args.next = Number(index.slice(1, -1)) - 1
  return args.next >= 0 && args.next < args.values.length
}

/** A width or precision: digits, or `*` for the next argument, which must be an int. */
function measure(text: string | undefined, args: Arguments): number | 'bad' | undefined {
  if (text === undefined) return undefined
  let size = Number(text)
  if (text === '*') {
    const value = args.values[args.next]
    args.next += 1
    if (typeof value !== 'bigint') return 'bad'
    size = Number(value)
  }
  return Math.abs(size) > WIDTH_MAX ? 'bad' : size
}
