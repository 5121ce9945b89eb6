import { type Labels, METRIC_NAME } from '../core/labels.ts'
import type { Sample } from '../core/sample.ts'
import { assert } from '../lib/errors.ts'
import type { AppendRequest, AppendResult } from './contract.ts'
import { type Head, PRESENT, STALE } from './head.ts'
import { Loose } from './loose.ts'
import { makeRoom } from './room.ts'
import { equalLabels, isSameSeries, type Series, seriesLabels } from './series.ts'
import { headOf, type Store } from './store.ts'

/** Own labels of a sample whose series cannot be recognised by counting them. */
const LOOK_AGAIN = 255
const OUT_OF_ORDER_MS = 10 * 60_000

interface Tally {
  appended: number
  ended: number
  duplicates: number
  tooOld: number
  overLimit: number
}

/** The way in. Everything here is synchronous: a round is visible whole, or not yet. */
export class Appender {
  readonly #store: Store
  readonly #outOfOrderMs: number
  /** The base labels of each scope's previous append, for recognising its series by position. */
  readonly #bases = new Map<Head, Labels>()
  readonly #said = new Set<string>()
  readonly #scratch: { readonly slots: number[]; readonly ownCounts: number[] } = { slots: [], ownCounts: [] }

  constructor(store: Store) {
    this.#store = store
    this.#outOfOrderMs = store.options.outOfOrderMs ?? OUT_OF_ORDER_MS
  }

  append(request: AppendRequest): AppendResult {
    const head = headOf(this.#store, request.scope)
    const at = timeOf(request)
    const tally = newTally()
    if (at > head.lastAt) this.#appendRound(head, request, at, tally)
    else if (at >= head.lastAt - this.#outOfOrderMs) this.#appendLoose(head, request, at, tally)
    else this.#refuseOld(head, request, tally)
    return this.#settled(tally)
  }

  appendAt(request: AppendRequest): AppendResult {
    const head = headOf(this.#store, request.scope)
    const at = timeOf(request)
    const tally = newTally()
    const { rawMs, historyMs } = this.#store.options.retention
    if (at < this.#store.options.world.now() - Math.max(rawMs, historyMs)) this.#refuseOld(head, request, tally)
    else this.#appendLoose(head, request, at, tally)
    return this.#settled(tally)
  }

  endScope(scope: string, at: number): number {
    const head = this.#store.headsByName.get(scope)
    if (head === undefined || head.layout.length === 0) return 0
    const tally = newTally()
    // What never goes back, here too: an end before the last sample would not be seen.
    const time = Math.max(Math.round(at), head.lastAt + 1)
    this.#appendRound(head, { at: time, scope, samples: [], labels: {} }, time, tally)
    return this.#settled(tally).ended
  }

  #appendRound(head: Head, request: AppendRequest, at: number, tally: Tally): void {
    makeRoom(this.#store, head, at)
    head.beginRound(at)
    const isSameBase = this.#hasSameBase(head, request.labels)
    let count = 0
    const { slots, ownCounts } = this.#scratch
    for (let index = 0; index < request.samples.length; index++) {
      const sample = request.samples[index]
      if (sample === undefined) continue
      const expected = isSameBase ? head.members[head.layout[count] ?? -1] : undefined
      const known = head.ownCounts[count] ?? LOOK_AGAIN
      const isExpected = expected !== undefined && isSameSeries(expected, sample, request.labels, known)
      const series = isExpected ? expected : this.#resolve(head, sample, request.labels, tally)
      if (series === undefined || !this.#admit(head, series, tally)) continue
      if (series.scope !== head.scope) {
        this.#insertLoose(series, at, sample.value, tally)
        continue
      }
      if (head.isWritten(series.slot)) {
        tally.duplicates++
        continue
      }
      head.put(series.slot, sample.value)
      slots[count] = series.slot
      ownCounts[count] = isExpected ? known : countOwn(sample, request.labels)
      count++
    }
    tally.appended += count
    const ended = this.#endMissing(head, at)
    tally.ended += ended.length
    this.#logRound(head, at, count, ended)
    this.#keepLayout(head, count)
  }

  #hasSameBase(head: Head, labels: Labels): boolean {
    const known = this.#bases.get(head)
    if (known === labels) return true
    this.#bases.set(head, labels)
    return known !== undefined && equalLabels(known, labels)
  }

  /** The series of a sample, made if it is new; undefined where it would be one too many. */
  #resolve(head: Head, sample: Sample, base: Labels, tally: Tally): Series | undefined {
    const labels = seriesLabels(sample, base)
    const known = this.#store.index.find(labels)
    if (known !== undefined) return known
    if (
      !this.#hasRoomFor(head) ||
      this.#store.index.size - this.#store.liveSeries > this.#store.options.limits.maxSeries
    ) {
      tally.overLimit++
      this.#sayOnce(head)
      return undefined
    }
    const series = this.#store.index.create(labels, head.scope)
    this.#store.dirtySeries.add(series)
    return series
  }

  #hasRoomFor(head: Head): boolean {
    const { maxSeries, maxSeriesPerScope } = this.#store.options.limits
    return this.#store.liveSeries < maxSeries && head.live < maxSeriesPerScope
  }

  #sayOnce(head: Head): void {
    if (this.#said.has(head.name)) return
    this.#said.add(head.name)
    const { maxSeries, maxSeriesPerScope } = this.#store.options.limits
    this.#store.options.log.warn('too many series: new ones of this scope are dropped', {
      scope: head.name,
      scopeSeries: head.live,
      series: this.#store.liveSeries,
      maxSeries,
      maxSeriesPerScope,
    })
  }

  /** Makes the series live in this scope and gives it a place; false where it would be one too many. */
  #admit(head: Head, series: Series, tally: Tally): boolean {
    if (series.isLive) return true
    if (!this.#hasRoomFor(head)) {
      tally.overLimit++
      this.#sayOnce(head)
      return false
    }
    if (series.scope !== head.scope) this.#adopt(head, series)
    if (series.slot < 0) head.admit(series)
    series.isLive = true
    head.live++
    this.#store.liveSeries++
    this.#store.dirtySeries.add(series)
    return true
  }

  /** A series whose scope let it go is taken over: what the other head holds of it stays readable beside the new one. */
  #adopt(head: Head, series: Series): void {
    const other = this.#store.heads.get(series.scope)
    assert(other !== undefined, `series ${series.id} belongs to a scope that does not exist`)
    if (series.slot >= 0) {
      const row = other.row(series.slot)
      const flags = other.flags(series.slot)
      const loose = this.#looseOf(series)
      for (let index = other.first(series.slot); index < other.end(series.slot); index++) {
        const flag = flags?.[index] ?? PRESENT
        if (flag > STALE) continue
        // What the other head has not folded yet is in no part: here it counts as a late sample.
        const run = index < other.folded ? loose.kept : loose.fresh
        if (run.insert(other.times[index] ?? 0, row[index] ?? 0, flag === STALE) && run === loose.fresh) {
          this.#store.looseCount++
        }
      }
    }
    series.former = series.scopes()
    series.floor = Math.max(series.floor, other.lastAt)
    series.scope = head.scope
    series.slot = -1
  }

  #looseOf(series: Series): Loose {
    series.loose ??= new Loose()
    this.#store.looseSeries.add(series)
    return series.loose
  }

  /** Ends what was live and is not in the newest round. */
  #endMissing(head: Head, at: number): readonly Series[] {
    const ended: Series[] = []
    for (const slot of head.layout) {
      const series = head.members[slot]
      if (series === undefined || head.isWritten(slot) || series.scope !== head.scope) continue
      head.putStale(slot)
      series.isLive = false
      series.endedAt = at
      head.live--
      this.#store.liveSeries--
      this.#store.dirtySeries.add(series)
      ended.push(series)
    }
    return ended
  }

  #logRound(head: Head, at: number, count: number, ended: readonly Series[]): void {
    if (this.#store.storage.isMemory) return
    this.#store.pending.begin('round', head.scope, at, count + ended.length)
    const index = head.rounds - 1
    for (let position = 0; position < count; position++) {
      const slot = this.#scratch.slots[position] ?? 0
      this.#store.pending.sample(head.members[slot]?.id ?? 0, head.row(slot)[index] ?? 0)
    }
    for (const series of ended) this.#store.pending.marker(series.id)
  }

  /** Remembers the order of this round, for recognising the next one by position. */
  #keepLayout(head: Head, count: number): void {
    const { slots, ownCounts } = this.#scratch
    let isSame = head.layout.length === count
    for (let index = 0; isSame && index < count; index++) {
      isSame = head.layout[index] === slots[index] && head.ownCounts[index] === ownCounts[index]
    }
    if (isSame) return
    head.layout = Int32Array.from({ length: count }, (_, index) => slots[index] ?? 0)
    head.ownCounts = Uint8Array.from({ length: count }, (_, index) => ownCounts[index] ?? LOOK_AGAIN)
  }

  #appendLoose(head: Head, request: AppendRequest, at: number, tally: Tally): void {
    for (const sample of request.samples) {
      const series = this.#resolve(head, sample, request.labels, tally)
      if (series !== undefined) this.#insertLoose(series, at, sample.value, tally)
    }
  }

  #insertLoose(series: Series, at: number, value: number, tally: Tally): void {
    const owner = this.#store.heads.get(series.scope)
    const isInHead = owner !== undefined && series.slot >= 0 && owner.has(series.slot, at)
    if (isInHead || !this.#looseOf(series).insert(at, value, false)) {
      tally.duplicates++
      return
    }
    tally.appended++
    this.#store.looseCount++
    if (!series.isLive && at > series.endedAt) {
      series.endedAt = at
      this.#store.dirtySeries.add(series)
    }
    if (this.#store.storage.isMemory) return
    this.#store.pending.begin('loose', series.scope, at, 1)
    this.#store.pending.sample(series.id, value)
  }

  #refuseOld(head: Head, request: AppendRequest, tally: Tally): void {
    tally.tooOld += request.samples.length
    const key = `old ${head.name}`
    if (this.#said.has(key)) return
    this.#said.add(key)
    this.#store.options.log.warn('samples are too old and were dropped', { scope: head.name, at: request.at })
  }

  #settled(tally: Tally): AppendResult {
    const { counts } = this.#store
    counts.samplesAppended += tally.appended
    counts.staleMarkers += tally.ended
    counts.duplicates += tally.duplicates
    counts.tooOld += tally.tooOld
    counts.overLimit += tally.overLimit
    return tally
  }
}

function newTally(): Tally {
  return { appended: 0, ended: 0, duplicates: 0, tooOld: 0, overLimit: 0 }
}

function timeOf(request: AppendRequest): number {
  const at = Math.round(request.at)
  assert(Number.isSafeInteger(at), `a round of ${request.scope} has no time`)
  return at
}

/** How many labels the sample adds to those of its target, where each one stays as it is. */
function countOwn(sample: Sample, base: Labels): number {
  const entries = Object.entries(sample.labels)
  const isPlain = entries.every(([name, value]) => value !== '' && base[name] === undefined && name !== METRIC_NAME)
  return isPlain && entries.length < LOOK_AGAIN ? entries.length : LOOK_AGAIN
}
