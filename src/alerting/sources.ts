import type { Alert, AlertChange } from '../core/alert.ts'

/** What each source says of one fingerprint while it fires there. */
export type Voices = readonly Alert[]

/** What a change from one source means for the alert as a whole. */
export type Effect =
  | { readonly kind: 'firing'; readonly alert: Alert; readonly voices: Voices }
  | { readonly kind: 'ended'; readonly alert: Alert }
  /** It ended where nobody knew it to fire. */
  | { readonly kind: 'none' }

/**
 * Two sources may speak of one fingerprint, as a rule of ours and one of somebody else's. The alert fires while either
 * says so, and ends with the last of them.
 */
export function applyChange(before: Voices, { kind, alert }: AlertChange): Effect {
  const others = before.filter((voice) => voice.source !== alert.source)
  if (kind === 'ended') {
    if (others.length === before.length) return { kind: 'none' }
    return firing(others) ?? { kind: 'ended', alert }
  }
  return firing([...others, alert]) ?? { kind: 'none' }
}

function firing(voices: Voices): Effect | undefined {
  const alert = leading(voices)
  return alert === undefined ? undefined : { kind: 'firing', alert, voices }
}

/** The voice that is shown: one that can see before one that cannot, then the one that has known it the longest. */
export function leading(voices: Voices): Alert | undefined {
  return voices.toSorted((a, b) => Number(a.isUnknown) - Number(b.isUnknown) || a.startsAt - b.startsAt)[0]
}
