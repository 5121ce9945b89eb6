import type { Series } from './series.ts'

/** What a flag says of a place in a series' row. */
export const PRESENT = 0
export const STALE = 1
export const ABSENT = 2

const PAGE_SLOTS = 32
/** Rounds a new head has room for. */
export const CAPACITY_MIN = 8
const EMPTY = new Int32Array(0)

/**
 * The newest rounds of one scope, uncompressed. All series of a round share its time, so that times are kept once; each
 * series has a slot, a row of values aligned with the times. A row is whole from `first` to `end` of its slot, but where
 * flags say that a place is stale or absent. Rows lie in pages of 32, so that a new series never moves the others.
 *
 * Rounds are only added at the end and leave at the front, and never change in between.
 */
export class Head {
  readonly scope: number
  readonly name: string
  times: Float64Array
  /** How many rounds are in it. */
  rounds = 0
  /** How many of them, from the front, are in parts as well. */
  folded = 0
  /** Samples of rounds after this time are all here. Of older ones, some or all are in parts only. */
  floor = Number.NEGATIVE_INFINITY
  /** The time of the last round ever; -Infinity before the first. */
  lastAt = Number.NEGATIVE_INFINITY
  /** The time of the latest sample in its parts. */
  foldedTo = Number.NEGATIVE_INFINITY
  /** The last logged row that parts hold all of, as far as this scope goes. */
  foldedSequence = 0
  /** How many of its series are live. */
  live = 0
  /** Slots in the order of the previous append, and how many labels of its own each sample had (255: look again). */
  layout: Int32Array = EMPTY
  ownCounts: Uint8Array = new Uint8Array(0)
  readonly members: (Series | undefined)[] = []

  #capacity: number
  readonly #pages: Float64Array[] = []
  readonly #rows: (Float64Array | undefined)[] = []
  readonly #first: number[] = []
  readonly #end: number[] = []
  readonly #flags: (Uint8Array | undefined)[] = []
  readonly #free: number[] = []

  constructor(scope: number, name: string) {
    this.scope = scope
    this.name = name
    this.#capacity = CAPACITY_MIN
    this.times = new Float64Array(CAPACITY_MIN)
  }

  get isFull(): boolean {
    return this.rounds === this.#capacity
  }

  get rawBytes(): number {
    return this.#pages.length * PAGE_SLOTS * this.#capacity * 8
  }

  /** The index of the first value that the slot holds. */
  first(slot: number): number {
    return this.#first[slot] ?? 0
  }

  /** One past the last. */
  end(slot: number): number {
    return this.#end[slot] ?? 0
  }

  /** The values of a slot, aligned with `times`. */
  row(slot: number): Float64Array {
    const known = this.#rows[slot]
    if (known !== undefined) return known
    const page = this.#pages[slot >>> 5]
    if (page === undefined) return new Float64Array(0)
    const start = (slot & (PAGE_SLOTS - 1)) * this.#capacity
    const row = page.subarray(start, start + this.#capacity)
    this.#rows[slot] = row
    return row
  }

  /** PRESENT, STALE or ABSENT for each place, aligned with `times`; undefined where all are present. */
  flags(slot: number): Uint8Array | undefined {
    return this.#flags[slot]
  }

  /** Gives a series a slot of its own. */
  admit(series: Series): number {
    const slot = this.#free.pop() ?? this.members.length
    if (slot >>> 5 >= this.#pages.length) this.#pages.push(new Float64Array(PAGE_SLOTS * this.#capacity))
    this.members[slot] = series
    this.#first[slot] = 0
    this.#end[slot] = 0
    this.#flags[slot] = undefined
    series.slot = slot
    return slot
  }

  /** Begins a round later than all before it; there must be room. Returns its index. */
  beginRound(at: number): number {
    this.times[this.rounds] = at
    this.lastAt = at
    return this.rounds++
  }

  /** Whether the slot has something in the newest round. */
  isWritten(slot: number): boolean {
    return this.#end[slot] === this.rounds
  }

  /** Writes into the newest round. */
  put(slot: number, value: number): void {
    const index = this.rounds - 1
    const page = this.#pages[slot >>> 5]
    if (page !== undefined) page[(slot & (PAGE_SLOTS - 1)) * this.#capacity + index] = value
    if (this.#end[slot] !== index) this.#bridge(slot, index)
    this.#end[slot] = index + 1
    const flags = this.#flags[slot]
    if (flags !== undefined) flags[index] = PRESENT
  }

  /** Writes a staleness marker into the newest round. */
  putStale(slot: number): void {
    this.put(slot, 0)
    this.#flagsOf(slot)[this.rounds - 1] = STALE
  }

  /** Marks what lies between the last value of a slot and `index` as absent. */
  #bridge(slot: number, index: number): void {
    const end = this.#end[slot] ?? 0
    if (end === (this.#first[slot] ?? 0)) {
      this.#first[slot] = index
      return
    }
    this.#flagsOf(slot).fill(ABSENT, end, index)
  }

  #flagsOf(slot: number): Uint8Array {
    const known = this.#flags[slot]
    if (known !== undefined) return known
    const flags = new Uint8Array(this.#capacity)
    this.#flags[slot] = flags
    return flags
  }

  /** The index of the first round later than `time`. */
  after(time: number): number {
    let low = 0
    let high = this.rounds
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.times[middle] ?? 0) <= time) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Whether the slot has a sample or a marker at that time. */
  has(slot: number, time: number): boolean {
    const index = this.after(time) - 1
    if (index < this.first(slot) || index >= this.end(slot) || this.times[index] !== time) return false
    return this.#flags[slot]?.[index] !== ABSENT
  }

  /**
   * Lets the oldest `drop` rounds go and gives the rows room for `capacity` rounds. Slots that hold nothing any more and
   * whose series is not live are free again.
   */
  resize(capacity: number, drop: number): void {
    if (drop > 0) this.floor = Math.max(this.floor, this.times[drop - 1] ?? this.floor)
    this.times = moved(this.times, new Float64Array(capacity), drop, this.rounds)
    for (let page = 0; page < this.#pages.length; page++) this.#resizePage(page, capacity, drop)
    this.rounds -= drop
    this.folded = Math.max(0, this.folded - drop)
    for (let slot = 0; slot < this.members.length; slot++) this.#resizeSlot(slot, capacity, drop)
    this.#capacity = capacity
    this.#rows.fill(undefined)
  }

  #resizePage(page: number, capacity: number, drop: number): void {
    const old = this.#pages[page]
    if (old === undefined) return
    const target = capacity === this.#capacity ? old : new Float64Array(PAGE_SLOTS * capacity)
    for (let row = 0; row < PAGE_SLOTS; row++) {
      const start = row * this.#capacity
      if (target === old) old.copyWithin(start, start + drop, start + this.rounds)
      else target.set(old.subarray(start + drop, start + this.rounds), row * capacity)
    }
    this.#pages[page] = target
  }

  #resizeSlot(slot: number, capacity: number, drop: number): void {
    const series = this.members[slot]
    if (series === undefined) return
    const first = Math.max(0, this.first(slot) - drop)
    const end = Math.max(0, this.end(slot) - drop)
    this.#first[slot] = first
    this.#end[slot] = end
    const flags = this.#flags[slot]
    if (flags !== undefined) {
      const kept = moved(flags, new Uint8Array(capacity), drop, this.rounds + drop)
      this.#flags[slot] = kept.subarray(first, end).some((flag) => flag !== PRESENT) ? kept : undefined
    }
    const isOurs = series.scope === this.scope && series.slot === slot
    if (first === end && !(isOurs && series.isLive)) {
      if (isOurs) series.slot = -1
      this.members[slot] = undefined
      this.#free.push(slot)
    }
  }
}

function moved<T extends Float64Array | Uint8Array>(from: T, to: T, drop: number, rounds: number): T {
  to.set(from.subarray(drop, rounds))
  return to
}
