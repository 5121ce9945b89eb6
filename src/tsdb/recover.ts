import { z } from 'zod'

import { messageOf } from '../lib/errors.ts'
import { DamageError } from './bytes.ts'
import type { Head } from './head.ts'
import { type LogEntry, readLogRow } from './log-row.ts'
import { Loose } from './loose.ts'
import { makeRoom } from './room.ts'
import type { Series } from './series.ts'
import { isDamaged, type LogRow, type SeriesRow } from './storage.ts'
import { addHead, type Store } from './store.ts'

const labelsSchema = z.record(z.string(), z.string())
/** How many labels of its own a sample had is not stored: the first append after a start looks again. */
const LOOK_AGAIN = 255

interface Damage {
  readonly row: LogRow
  readonly why: string
}

/** Brings back what the file knows: scopes, series, and the rounds of the log. Parts stay on disk until asked for. */
export function recover(store: Store): void {
  for (const row of store.storage.scopes.iterate()) {
    const head = addHead(store, row.id, row.name)
    head.foldedSequence = row.foldedSequence
    head.foldedTo = row.foldedTo ?? Number.NEGATIVE_INFINITY
    head.floor = head.foldedTo
    head.lastAt = row.lastAt ?? Number.NEGATIVE_INFINITY
    store.sequence = Math.max(store.sequence, row.foldedSequence)
  }
  for (const row of store.storage.series.iterate()) recoverSeries(store, row)
  for (const damage of replayLog(store)) setAside(store, damage)
  for (const series of store.index.all()) admitLive(store, series)
  for (const head of store.heads.values()) restoreLayout(head)
}

function recoverSeries(store: Store, row: SeriesRow): void {
  const labels = parsedLabels(row.labels)
  if (labels === undefined) {
    store.options.log.error('a series cannot be read and is left out', { series: row.id })
    return
  }
  const series = store.index.restore(row.id, labels, row.scope)
  series.former = row.former === '' ? [] : row.former.split(' ').map(Number)
  series.isLive = row.endedAt === null
  series.endedAt = row.endedAt ?? 0
  const head = store.heads.get(row.scope)
  if (!series.isLive || head === undefined) return
  head.live++
  store.liveSeries++
}

function parsedLabels(text: string): Record<string, string> | undefined {
  try {
    return labelsSchema.parse(JSON.parse(text))
  } catch {
    return undefined
  }
}

function replayLog(store: Store): readonly Damage[] {
  const damages: Damage[] = []
  try {
    for (const row of store.storage.logRows.iterate()) {
      store.sequence = Math.max(store.sequence, row.sequence)
      const entries = entriesOf(row)
      if (typeof entries === 'string') {
        damages.push({ row, why: entries })
        continue
      }
      for (const entry of entries) replay(store, entry, row.sequence)
      store.logRows.push({ sequence: row.sequence, at: row.at })
    }
  } catch (error) {
    if (!isDamaged(error)) throw error
    store.counts.damagedBlobs++
    store.options.log.error('the newest samples cannot be read back', { error: messageOf(error) })
  }
  return damages
}

/** What is in a row, or why it cannot be read. */
function entriesOf(row: LogRow): readonly LogEntry[] | string {
  try {
    return readLogRow(row.data)
  } catch (error) {
    if (error instanceof DamageError) return error.message
    throw error
  }
}

function replay(store: Store, entry: LogEntry, sequence: number): void {
  const head = store.heads.get(entry.scope)
  if (head === undefined) return
  const isFolded = sequence <= head.foldedSequence
  const isRound = entry.kind === 'round' && (head.rounds === 0 || entry.at > (head.times[head.rounds - 1] ?? 0))
  if (isRound) beginRound(store, head, entry.at, isFolded)
  for (let index = 0; index < entry.ids.length; index++) {
    const series = store.index.byId(entry.ids[index] ?? 0)
    if (series === undefined) continue
    const value = entry.values[index] ?? 0
    const isStale = entry.stale[index] === 1
    if (!isRound || series.scope !== head.scope) {
      insertLoose(store, series, { at: entry.at, value, isStale, isFolded })
      continue
    }
    if (series.slot < 0) head.admit(series)
    if (isStale) head.putStale(series.slot)
    else head.put(series.slot, value)
  }
}

function beginRound(store: Store, head: Head, at: number, isFolded: boolean): void {
  makeRoom(store, head, at)
  // The log is whole from its first row on: nothing later than this can be in parts alone.
  if (head.rounds === 0) head.floor = Math.min(head.floor, at - 1)
  const { lastAt } = head
  head.beginRound(at)
  head.lastAt = Math.max(lastAt, at)
  if (isFolded) head.folded = head.rounds
}

function insertLoose(
  store: Store,
  series: Series,
  sample: { readonly at: number; readonly value: number; readonly isStale: boolean; readonly isFolded: boolean },
): void {
  series.loose ??= new Loose()
  store.looseSeries.add(series)
  if (sample.isFolded) {
    series.loose.kept.insert(sample.at, sample.value, sample.isStale)
    return
  }
  if (series.loose.insert(sample.at, sample.value, sample.isStale)) store.looseCount++
}

function admitLive(store: Store, series: Series): void {
  if (series.isLive && series.slot < 0) store.heads.get(series.scope)?.admit(series)
}

function restoreLayout(head: Head): void {
  const slots = head.members.flatMap((series, slot) =>
    series?.isLive === true && series.scope === head.scope ? [slot] : [],
  )
  head.layout = Int32Array.from(slots)
  head.ownCounts = new Uint8Array(slots.length).fill(LOOK_AGAIN)
}

function setAside(store: Store, { row, why }: Damage): void {
  const { storage, options, counts } = store
  counts.damagedBlobs++
  options.log.error('samples of the log are damaged: they were set aside and the rest is served', {
    file: storage.name,
    row: row.sequence,
    why,
  })
  try {
    storage.transaction(() => {
      storage.setAside.run('log', row.sequence, why, row.data)
      storage.removeLogRow.run(row.sequence)
    })
  } catch (error) {
    options.log.warn('a damaged row of the log could not be moved', { row: row.sequence, error: messageOf(error) })
  }
}
