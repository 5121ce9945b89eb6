/** Functions of one number. Go and JavaScript agree on all of these but where said. */
export const MATH: ReadonlyMap<string, (value: number) => number> = new Map<string, (value: number) => number>([
  ['abs', Math.abs],
  ['acos', Math.acos],
  ['acosh', Math.acosh],
  ['asin', Math.asin],
  ['asinh', Math.asinh],
  ['atan', Math.atan],
  ['atanh', Math.atanh],
  ['ceil', Math.ceil],
  ['cos', Math.cos],
  ['cosh', Math.cosh],
  ['deg', (value) => (value * 180) / Math.PI],
  ['exp', Math.exp],
  ['floor', Math.floor],
  ['ln', Math.log],
  ['log10', Math.log10],
  ['log2', Math.log2],
  ['rad', (value) => (value * Math.PI) / 180],
  ['sgn', Math.sign],
  ['sin', Math.sin],
  ['sinh', Math.sinh],
  ['sqrt', Math.sqrt],
  ['tan', Math.tan],
  ['tanh', Math.tanh],
])

/** Parts of a time in UTC, given in seconds. */
export const TIME_PARTS: ReadonlyMap<string, (seconds: number) => number> = new Map<
  string,
  (seconds: number) => number
>([
  ['minute', (seconds) => modulo(Math.floor(seconds / 60), 60)],
  ['hour', (seconds) => modulo(Math.floor(seconds / 3600), 24)],
  // 1970 began on a Thursday.
  ['day_of_week', (seconds) => modulo(dayOf(seconds) + 4, 7)],
  ['day_of_month', (seconds) => civil(seconds).day],
  ['day_of_year', (seconds) => dayOf(seconds) - firstDay(civil(seconds).year, 1) + 1],
  ['days_in_month', daysInMonth],
  ['month', (seconds) => civil(seconds).month],
  ['year', (seconds) => civil(seconds).year],
])

function modulo(value: number, divisor: number): number {
  return ((value % divisor) + divisor) % divisor
}

/** Days since 1970-01-01; Go cuts fractions of a second off towards zero before it asks for the date. */
function dayOf(seconds: number): number {
  return Math.floor(Math.trunc(seconds) / 86_400)
}

/** The date of a day in the Gregorian calendar (Hinnant, "chrono-compatible low-level date algorithms"). */
function civil(seconds: number): { readonly year: number; readonly month: number; readonly day: number } {
  const shifted = dayOf(seconds) + 719_468
  const era = Math.floor(shifted / 146_097)
  const dayOfEra = shifted - era * 146_097
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  )
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  // Months counted from March, so that the leap day comes last.
  const march = Math.floor((5 * dayOfYear + 2) / 153)
  const day = dayOfYear - Math.floor((153 * march + 2) / 5) + 1
  const month = march < 10 ? march + 3 : march - 9
  return { year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day }
}

/** Days from 1970-01-01 to the first of a month. */
function firstDay(year: number, month: number): number {
  const shiftedYear = month <= 2 ? year - 1 : year
  const era = Math.floor(shiftedYear / 400)
  const yearOfEra = shiftedYear - era * 400
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5)
  return era * 146_097 + yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear - 719_468
}

function daysInMonth(seconds: number): number {
  const { year, month } = civil(seconds)
  const next = month === 12 ? firstDay(year + 1, 1) : firstDay(year, month + 1)
  return next - firstDay(year, month)
}

/** Go's `math.Pow`, which knows two cases in which JavaScript says NaN. */
export function power(base: number, exponent: number): number {
  if (base === 1) return 1
  if (base === -1 && Math.abs(exponent) === Infinity) return 1
  return base ** exponent
}

/** To the nearest multiple of `to`, halves up; 1 over `to` is used as Prometheus does, for the same last digit. */
export function roundTo(value: number, to: number): number {
  const inverse = 1 / to
  return Math.floor(value * inverse + 0.5) / inverse
}

export function clamp(value: number, least: number, most: number): number {
  return Math.max(least, Math.min(most, value))
}
