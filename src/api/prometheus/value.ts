/**
 * A float as Go's `strconv.FormatFloat(x, 'f', -1, 64)` prints it: the shortest digits that read back the same, never an
 * exponent. `NaN`, `+Inf`, `-Inf` as Prometheus writes them.
 */
export function formatValue(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  if (value === Infinity) return '+Inf'
  if (value === -Infinity) return '-Inf'
  if (Object.is(value, -0)) return '-0'
  const text = String(value)
  return text.includes('e') ? withoutExponent(text) : text
}

function withoutExponent(text: string): string {
  const [mantissa = '', exponent = '0'] = text.split('e')
  const sign = mantissa.startsWith('-') ? '-' : ''
  const [whole = '', fraction = ''] = mantissa.replace('-', '').split('.')
  const digits = whole + fraction
  const point = whole.length + Number(exponent)
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`
  if (point >= digits.length) return `${sign}${digits}${'0'.repeat(point - digits.length)}`
  return `${sign}${digits.slice(0, point)}.${digits.slice(point)}`
}

/** A float as Go's `strconv.FormatFloat(x, 'e', -1, 64)` prints it: `1.5e+02`. */
export function formatExponent(value: number): string {
  if (!Number.isFinite(value)) return formatValue(value)
  const [mantissa = '0', exponent = '+0'] = value.toExponential().split('e')
  const sign = Object.is(value, -0) ? '-' : ''
  return `${sign}${mantissa}e${exponent.slice(0, 1)}${exponent.slice(1).padStart(2, '0')}`
}

/**
 * A float as the samples of an answer have it: an exponent below 1e-6 and from 1e21, as JavaScript has it, but of two
 * digits, as Go has it (Prometheus, `util/jsonutil/marshal.go`). Scalars are written without one.
 */
export function formatSample(value: number): string {
  if (value === 0 || !Number.isFinite(value)) return formatValue(value)
  const text = String(value)
  return text.includes('e') ? formatExponent(value) : text
}
