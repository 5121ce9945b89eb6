import type { QueryResult } from '../../operations/index.ts'
import { jsonArray, truncate } from './answer.ts'
import { formatSample, formatValue } from './value.ts'

type Value = QueryResult['value']
type MatrixSeries = Extract<Value, { type: 'matrix' }>['series'][number]

/** Points of one series that are written in one piece. */
const POINTS_A_PIECE = 500

/** `{"resultType":...,"result":...}` in pieces; a vector's elements and scalars carry the time of the query. */
export function* resultPieces(value: Value, atMs: number, stats: unknown): Generator<string, void, undefined> {
  yield `{"resultType":"${value.type}","result":`
  yield* valuePieces(value, atMs / 1000)
  yield stats === undefined ? '}' : `,"stats":${JSON.stringify(stats)}}`
}

function* valuePieces(value: Value, at: number): Generator<string, void, undefined> {
  switch (value.type) {
    case 'vector':
      yield* jsonArray(
        value.elements,
        (element) => `{"metric":${JSON.stringify(element.labels)},"value":[${at},"${formatSample(element.value)}"]}`,
      )
      return
    case 'matrix':
      yield* matrixPieces(value.series)
      return
    case 'scalar':
      yield `[${at},"${formatValue(value.value)}"]`
      return
    case 'string':
      yield `[${at},${JSON.stringify(value.value)}]`
  }
}

function* matrixPieces(all: readonly MatrixSeries[]): Generator<string, void, undefined> {
  let separator = '['
  for (const { labels, times, values } of all) {
    yield `${separator}{"metric":${JSON.stringify(labels)},"values":[`
    for (let start = 0; start < times.length; start += POINTS_A_PIECE) {
      yield pointsText(times, values, start)
    }
    yield ']}'
    separator = ','
  }
  yield separator === '[' ? '[]' : ']'
}

function pointsText(times: Float64Array, values: Float64Array, start: number): string {
  const end = Math.min(start + POINTS_A_PIECE, times.length)
  let text = ''
  for (let index = start; index < end; index += 1) {
    const separator = index === 0 ? '' : ','
    text += `${separator}[${(times[index] ?? 0) / 1000},"${formatSample(values[index] ?? NaN)}"]`
  }
  return text
}

/** At most so many series or elements. Scalars and texts stay whole. */
export function limited(value: Value, limit: number): { readonly value: Value; readonly warnings: readonly string[] } {
  if (value.type === 'vector') {
    const { items, warnings } = truncate(value.elements, limit)
    return { value: { type: 'vector', elements: items }, warnings }
  }
  if (value.type === 'matrix') {
    const { items, warnings } = truncate(value.series, limit)
    return { value: { type: 'matrix', series: items }, warnings }
  }
  return { value, warnings: [] }
}
