/** Divides a decimal text by a power of ten without losing a digit. */
export function withPoint(integer: string, decimals: number): string {
  if (decimals === 0) return integer
  const isNegative = integer.startsWith('-')
  const digits = (isNegative ? integer.slice(1) : integer).padStart(decimals + 1, '0')
  const fraction = digits.slice(-decimals).replace(/0+$/, '')
  const whole = digits.slice(0, -decimals)
  return `${isNegative ? '-' : ''}${whole}${fraction === '' ? '' : `.${fraction}`}`
}
