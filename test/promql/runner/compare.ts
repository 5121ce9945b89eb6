import { labelsKey, type Labels } from '../../../src/core/labels.ts'
import { formatFloat, type Value } from '../../../src/promql/index.ts'
import type { Case } from './script.ts'

interface Difference {
  readonly expected: string
  readonly got: string
}

const TOLERANCE = 1e-6

/** Where an answer parts from what the case expects. */
export function compareResult(test: Case, value: Value): Difference | undefined {
  if (test.string !== undefined) return compareText(test.string, value)
  if (value.type === 'string') return { expected: 'no string', got: JSON.stringify(value.value) }
  if (value.type === 'scalar') return compareScalar(test, value.value)
  if (test.scalar !== undefined) return { expected: `scalar ${test.scalar}`, got: value.type }
  return value.type === 'vector' ? compareVector(test, value) : compareMatrix(test, value)
}

function compareText(expected: string, value: Value): Difference | undefined {
  const got = value.type === 'string' ? JSON.stringify(value.value) : value.type
  return got === JSON.stringify(expected) ? undefined : { expected: JSON.stringify(expected), got }
}

function compareScalar({ scalar, series }: Case, got: number): Difference | undefined {
  const expected = scalar ?? series[0]?.points[0]
  const matches = typeof expected === 'number' && isAlmost(expected, got)
  return matches ? undefined : { expected: `scalar ${String(expected)}`, got: `scalar ${formatFloat(got)}` }
}

function compareVector(test: Case, value: Extract<Value, { type: 'vector' }>): Difference | undefined {
  const expected = test.series.map(({ labels, points }) => ({ labels, value: points[0] }))
  const got = value.elements
  const difference = { expected: describeElements(expected), got: describeElements(got) }
  if (expected.length !== got.length) return difference
  const byKey = new Map(got.map((element, index) => [labelsKey(element.labels), { element, index }]))
  if (byKey.size !== got.length) return { ...difference, got: `duplicates: ${difference.got}` }
  for (const [index, element] of expected.entries()) {
    const found = byKey.get(labelsKey(element.labels))
    if (found === undefined || (test.isOrdered && found.index !== index)) return difference
    if (typeof element.value !== 'number' || !isAlmost(element.value, found.element.value)) return difference
  }
  return undefined
}

function compareMatrix(test: Case, value: Extract<Value, { type: 'matrix' }>): Difference | undefined {
  const grid = test.rawRange ?? (test.times.kind === 'range' ? test.times : undefined)
  if (grid === undefined) return { expected: 'a vector', got: 'a matrix' }
  const steps = Math.floor((grid.to - grid.from) / grid.step) + 1
  const byKey = new Map(value.series.map((series) => [labelsKey(series.labels), series]))
  const known = new Set<string>()
  for (const { labels, points } of test.series) {
    const key = labelsKey(labels)
    const series = byKey.get(key)
    const row = Array.from({ length: steps }, (_, step) => {
      const index = series?.times.indexOf(grid.from + step * grid.step) ?? -1
      return index === -1 ? undefined : series?.values[index]
    })
    const expected = row.map((_, step) => (typeof points[step] === 'number' ? points[step] : undefined))
    if (expected.some((number) => number !== undefined)) known.add(key)
    if (!row.every((got, step) => isSame(expected[step], got)) || points.length > steps) {
      const name = describeLabels(labels)
      return { expected: `${name} ${expected.map(describeNumber).join(' ')}`, got: row.map(describeNumber).join(' ') }
    }
  }
  const unexpected = value.series.find((series) => !known.has(labelsKey(series.labels)))
  if (unexpected === undefined) return undefined
  const values = [...unexpected.values].map(describeNumber).join(' ')
  return { expected: 'no more series', got: `${describeLabels(unexpected.labels)} ${values}` }
}

function isSame(expected: number | undefined, got: number | undefined): boolean {
  if (expected === undefined || got === undefined) return expected === got
  return isAlmost(expected, got)
}

/** Equal but for one part in a million, as upstream compares. */
function isAlmost(expected: number, got: number): boolean {
  if (Number.isNaN(expected) || Number.isNaN(got)) return Number.isNaN(expected) && Number.isNaN(got)
  if (expected === got) return true
  const size = Math.abs(expected) + Math.abs(got)
  return Math.abs(expected - got) / Math.min(size, Number.MAX_VALUE) < TOLERANCE
}

function describeNumber(value: number | undefined): string {
  return value === undefined ? '_' : formatFloat(value)
}

function describeElements(elements: readonly { readonly labels: Labels; readonly value: unknown }[]): string {
  return elements.map(({ labels, value }) => `${describeLabels(labels)} ${String(value)}`).join(', ') || 'nothing'
}

function describeLabels(labels: Labels): string {
  return `{${Object.entries(labels)
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    .join(', ')}}`
}
