const UNITS_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000, y: 31_536_000_000 } as const

const PATTERN = /^(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?$/
const ORDER = ['y', 'w', 'd', 'h', 'm', 's', 'ms'] as const

/**
 * Milliseconds of a duration in Prometheus' notation (`1h30m`, `500ms`, `0`), or undefined where it is none. Units go
 * from large to small and each stands once (Prometheus, `model/time.go`).
 */
export function parseDuration(text: string): number | undefined {
  if (text === '0') return 0
  const match = PATTERN.exec(text)
  if (text === '' || match === null) return undefined
  return ORDER.reduce((sum, unit, index) => sum + Number(match[index + 1] ?? 0) * UNITS_MS[unit], 0)
}

/** The shortest exact notation: 5400000 is `1h30m`. Days and weeks are used where they divide, as Prometheus does. */
export function formatDuration(ms: number): string {
  if (ms === 0) return '0s'
  let rest = Math.round(ms)
  let text = ''
  for (const unit of ORDER) {
    const size = UNITS_MS[unit]
    const isWholeOnly = unit === 'y' || unit === 'w' || unit === 'd'
    if (isWholeOnly && rest % size !== 0) continue
    const count = Math.floor(rest / size)
    if (count === 0) continue
    text += `${count}${unit}`
    rest -= count * size
  }
  return text
}
