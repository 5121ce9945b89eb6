/** Go's float64 as text, exact to the last digit and rounded half to even (`strconv.FormatFloat`). */
export function formatFloat(value: number, format: FloatFormat): string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf'
  const sign = value < 0 || Object.is(value, -0) ? '-' : ''
  return sign + formatPositive(Math.abs(value), format)
}

export interface FloatFormat {
  readonly verb: 'e' | 'f' | 'g'
  /** Digits: behind the point for `e` and `f`, in all for `g`; undefined: as many as it takes to read it back. */
  readonly precision?: number | undefined
}

/** 0.`digits` times ten to the `point`; no zeros at the end. 0 has no digits. */
interface Decimal {
  readonly digits: string
  readonly point: number
}

/** Where `g` turns to an exponent when nobody asked for a precision. */
const SHORTEST_EXPONENT = 6
const LEAST_EXPONENT = -4

function formatPositive(value: number, { verb, precision }: FloatFormat): string {
  if (precision === undefined) return formatShortest(shortest(value), verb)
  const exact = exactDecimal(value)
  switch (verb) {
    case 'f':
      return pointText(roundTo(exact, exact.point + precision), precision)
    case 'e':
      return exponentText(roundTo(exact, precision + 1), precision)
    case 'g':
      return formatGeneral(roundTo(exact, Math.max(precision, 1)), Math.max(precision, 1))
  }
}

function formatShortest(decimal: Decimal, verb: FloatFormat['verb']): string {
  switch (verb) {
    case 'f':
      return pointText(decimal, Math.max(decimal.digits.length - decimal.point, 0))
    case 'e':
      return exponentText(decimal, Math.max(decimal.digits.length - 1, 0))
    case 'g':
      return formatGeneral(decimal, undefined)
  }
}

function formatGeneral(decimal: Decimal, precision: number | undefined): string {
  const { digits, point } = decimal
  const exponent = digits === '' ? 0 : point - 1
  const limit = exponentLimit(decimal, precision)
  if (exponent < LEAST_EXPONENT || exponent >= limit) return exponentText(decimal, Math.max(digits.length - 1, 0))
  return pointText(decimal, Math.max(digits.length - point, 0))
}

function exponentLimit({ digits, point }: Decimal, precision: number | undefined): number {
  if (precision === undefined) return SHORTEST_EXPONENT
  return precision > digits.length && digits.length >= point && digits !== '' ? digits.length : precision
}

function pointText({ digits, point }: Decimal, decimals: number): string {
  const whole = point > 0 ? digits.slice(0, point).padEnd(point, '0') : '0'
  if (decimals === 0) return whole
  const fraction = point >= 0 ? digits.slice(point) : '0'.repeat(-point) + digits
  return `${whole}.${fraction.slice(0, decimals).padEnd(decimals, '0')}`
}

function exponentText({ digits, point }: Decimal, decimals: number): string {
  const exponent = digits === '' ? 0 : point - 1
  const shown = `${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`
  const fraction = digits.slice(1, decimals + 1).padEnd(decimals, '0')
  return `${digits[0] ?? '0'}${decimals > 0 ? `.${fraction}` : ''}e${shown}`
}

/** The fewest digits that read back as the same number: JavaScript finds them as Go does. */
function shortest(value: number): Decimal {
  if (value === 0) return { digits: '', point: 0 }
  const [mantissa = '', exponent = '0'] = value.toExponential().split('e')
  return trimmed(mantissa.replace('.', ''), Number(exponent) + 1)
}

/** All digits: a double is a whole number times a power of two, so the expansion ends. */
function exactDecimal(value: number): Decimal {
  if (value === 0) return { digits: '', point: 0 }
  const { mantissa, exponent } = partsOf(value)
  if (exponent >= 0) {
    const digits = (mantissa << BigInt(exponent)).toString()
    return trimmed(digits, digits.length)
  }
  // m / 2^k = m * 5^k / 10^k
  const digits = (mantissa * 5n ** BigInt(-exponent)).toString()
  return trimmed(digits, digits.length + exponent)
}

function partsOf(value: number): { readonly mantissa: bigint; readonly exponent: number } {
  const view = new DataView(new ArrayBuffer(8))
  view.setFloat64(0, value)
  const bits = view.getBigUint64(0)
  const biased = Number((bits >> 52n) & 0x7ffn)
  const fraction = bits & 0xfffffffffffffn
  return biased === 0
    ? { mantissa: fraction, exponent: -1074 }
    : { mantissa: fraction | 0x10000000000000n, exponent: biased - 1075 }
}

/** Keeps `count` digits, rounded half to even; with fewer than none left it is 0. */
function roundTo(decimal: Decimal, count: number): Decimal {
  const { digits, point } = decimal
  if (count >= digits.length) return decimal
  if (count < 0) return { digits: '', point: 0 }
  const kept = digits.slice(0, count)
  if (!roundsUp(kept, digits.slice(count))) return trimmed(kept, point)
  const up = (BigInt(kept || '0') + 1n).toString().padStart(kept.length, '0')
  return trimmed(up, point + up.length - kept.length)
}

function roundsUp(kept: string, rest: string): boolean {
  const first = rest.charCodeAt(0) - 48
  if (first !== 5 || rest.length > 1) return first >= 5
  return Number(kept.at(-1) ?? '0') % 2 === 1
}

function trimmed(digits: string, point: number): Decimal {
  let end = digits.length
  while (end > 0 && digits[end - 1] === '0') end -= 1
  return end === 0 ? { digits: '', point: 0 } : { digits: digits.slice(0, end), point }
}
