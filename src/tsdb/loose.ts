/** Samples of one series ascending by time, in plain arrays: few, and inserted anywhere. */
export class Run {
  readonly times: number[] = []
  readonly values: number[] = []
  readonly stale: number[] = []

  get length(): number {
    return this.times.length
  }

  /** The index of the first sample later than `time`. */
  after(time: number): number {
    let low = 0
    let high = this.times.length
    // Almost always it is the newest.
    if (high > 0 && (this.times[high - 1] ?? 0) <= time) return high
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.times[middle] ?? 0) <= time) low = middle + 1
      else high = middle
    }
    return low
  }

  has(time: number): boolean {
    const index = this.after(time)
    return index > 0 && this.times[index - 1] === time
  }

  /** Puts a sample in its place; false where there is one at that time already. */
  insert(time: number, value: number, isStale: boolean): boolean {
    const index = this.after(time)
    if (index > 0 && this.times[index - 1] === time) return false
    this.times.splice(index, 0, time)
    this.values.splice(index, 0, value)
    this.stale.splice(index, 0, isStale ? 1 : 0)
    return true
  }

  /** Forgets the samples at or before `time`. */
  dropUntil(time: number): void {
    const count = this.after(time)
    if (count === 0) return
    this.times.splice(0, count)
    this.values.splice(0, count)
    this.stale.splice(0, count)
  }
}

/** Samples of one series that do not fit the rounds of its scope. */
export class Loose {
  /** Not in a part yet. */
  readonly fresh = new Run()
  /** In a part already, but still within the head's time, where parts are not looked at. */
  readonly kept = new Run()

  /** False for a duplicate. */
  insert(time: number, value: number, isStale: boolean): boolean {
    return !this.kept.has(time) && this.fresh.insert(time, value, isStale)
  }

  /**
   * After the fresh samples with `fromMs < time <= toMs` were written to parts: keeps those later than `floor`, lets go of
   * the others. Returns how many they were.
   */
  settle(fromMs: number, toMs: number, floor: number): number {
    const { times, values, stale } = this.fresh
    const start = this.fresh.after(fromMs)
    const count = this.fresh.after(toMs) - start
    for (let index = start; index < start + count; index++) {
      const time = times[index] ?? 0
      if (time > floor) this.kept.insert(time, values[index] ?? 0, stale[index] === 1)
    }
    times.splice(start, count)
    values.splice(start, count)
    stale.splice(start, count)
    return count
  }

  get isEmpty(): boolean {
    return this.fresh.length === 0 && this.kept.length === 0
  }
}
