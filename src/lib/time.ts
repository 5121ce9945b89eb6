/**
 * Milliseconds UTC of a time as people and Prometheus write it: seconds since 1970, with a fraction if wanted, or
 * ISO 8601. undefined where it is none.
 */
export function parseTime(text: string): number | undefined {
  const trimmed = text.trim()
  if (trimmed === '') return undefined
  const seconds = Number(trimmed)
  if (Number.isFinite(seconds)) return Math.round(seconds * 1000)
  const ms = Date.parse(trimmed)
  return Number.isNaN(ms) ? undefined : ms
}
