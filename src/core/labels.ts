/** Names to values. A label with an empty value is the same as no label (Prometheus). */
export type Labels = Readonly<Record<string, string>>

/** The name label: a metric's name is a label like any other. */
export const METRIC_NAME = '__name__'

const FNV_OFFSET = 0xcbf29ce484222325n
const FNV_PRIME = 0x100000001b3n
const MASK = 0xffffffffffffffffn
const SEPARATOR = 0xff
const encoder = new TextEncoder()

/** The labels without those that are empty, sorted by name: the canonical form. */
export function canonicalLabels(labels: Labels): Labels {
  const entries = Object.entries(labels).filter(([, value]) => value !== '')
  return Object.fromEntries(entries.toSorted(([a], [b]) => compareText(a, b)))
}

/** A text that two label sets share exactly when they are equal; order does not matter. */
export function labelsKey(labels: Labels): string {
  const names = Object.keys(labels).toSorted(compareText)
  let key = ''
  for (const name of names) {
    const value = labels[name]
    if (value !== undefined && value !== '') key += `${name}\u0001${value}\u0002`
  }
  return key
}

/**
 * Alertmanager's fingerprint: 64-bit FNV-1a over the sorted names and values, each followed by byte 255, as 16 hex
 * digits (prometheus/common, `model/signature.go`).
 */
export function fingerprint(labels: Labels): string {
  let hash = FNV_OFFSET
  for (const [name, value] of Object.entries(canonicalLabels(labels))) {
    hash = mix(mix(hash, name), value)
  }
  return hash.toString(16).padStart(16, '0')
}

function mix(start: bigint, text: string): bigint {
  let hash = start
  for (const byte of encoder.encode(text)) hash = ((hash ^ BigInt(byte)) * FNV_PRIME) & MASK
  return ((hash ^ BigInt(SEPARATOR)) * FNV_PRIME) & MASK
}

/** Orders by UTF-16 code unit, as `<` does: the same everywhere, unlike the locale's order. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
