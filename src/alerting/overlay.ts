/** A map with changes on top that can be adopted, or dropped without a trace. Costs what changed, not what is there. */
export interface Overlay<Key, Value> {
  get(key: Key): Value | undefined
  set(key: Key, value: Value): void
  delete(key: Key): void
  values(): Iterable<Value>
  isEmpty(): boolean
  /** Writes the changes into the map below. */
  adopt(): void
}

export function createOverlay<Key, Value extends object>(base: Map<Key, Value>): Overlay<Key, Value> {
  const changes = new Map<Key, Value | undefined>()

  function* values(): Iterable<Value> {
    for (const [key, value] of base) if (!changes.has(key)) yield value
    for (const value of changes.values()) if (value !== undefined) yield value
  }

  return {
    get: (key) => (changes.has(key) ? changes.get(key) : base.get(key)),
    set(key, value) {
      changes.set(key, value)
    },
    delete(key) {
      changes.set(key, undefined)
    },
    values,
    isEmpty() {
      for (const _ of values()) return false
      return true
    },
    adopt() {
      for (const [key, value] of changes) {
        if (value === undefined) base.delete(key)
        else base.set(key, value)
      }
    },
  }
}
