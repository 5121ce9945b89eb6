import { canonicalLabels, compareText, labelsKey, type Labels, METRIC_NAME } from '../../core/labels.ts'
import { formatFloat } from '../../promql/index.ts'
import type { AlertCase, ExpectedSample } from './document.ts'

export interface Difference {
  readonly expected: string
  readonly got: string
}

type Told = AlertCase['expected'][number]

/** Where the firing alerts part from the expected ones; the order does not matter. */
export function compareAlerts(expected: readonly Told[], got: readonly Told[]): Difference | undefined {
  const [wanted, found] = [sorted(expected, keyOfAlert), sorted(got, keyOfAlert)]
  const isSame = wanted.length === found.length && wanted.every((one, index) => one.key === found[index]?.key)
  return isSame ? undefined : { expected: describe(wanted, describeAlert), got: describe(found, describeAlert) }
}

/** Where an answer parts from the expected one. Fuzzy: neighbouring numbers are equal. */
export function compareSamples(
  expected: readonly ExpectedSample[],
  got: readonly ExpectedSample[],
  isFuzzy: boolean,
): Difference | undefined {
  const [wanted, found] = [sorted(expected, keyOfSample), sorted(got, keyOfSample)]
  const isSame =
    wanted.length === found.length &&
    wanted.every((one, index) => {
      const other = found[index]
      return other?.key === one.key && areEqual(one.value.value, other.value.value, isFuzzy)
    })
  return isSame ? undefined : { expected: describe(wanted, describeSample), got: describe(found, describeSample) }
}

function keyOfAlert({ labels, annotations }: Told): string {
  return `${labelsKey(labels)}\n${labelsKey(annotations)}`
}

function keyOfSample({ labels }: ExpectedSample): string {
  return labelsKey(labels)
}

interface Keyed<T> {
  readonly key: string
  readonly value: T
}

function sorted<T>(values: readonly T[], keyOf: (value: T) => string): readonly Keyed<T>[] {
  return values.map((value) => ({ key: keyOf(value), value })).toSorted((a, b) => compareText(a.key, b.key))
}

function areEqual(a: number, b: number, isFuzzy: boolean): boolean {
  if (a === b || (Number.isNaN(a) && Number.isNaN(b))) return true
  if (!isFuzzy || Number.isNaN(a) || Number.isNaN(b)) return false
  const distance = rankOf(a) - rankOf(b)
  return distance === 1n || distance === -1n
}

/** Numbers in their order, each float one step from the next. */
function rankOf(value: number): bigint {
  const bits = new BigInt64Array(Float64Array.of(value).buffer)[0] ?? 0n
  return bits >= 0n ? bits : -(bits & 0x7fff_ffff_ffff_ffffn)
}

function describe<T>(values: readonly Keyed<T>[], each: (value: T) => string): string {
  return values.length === 0 ? 'nothing' : values.map(({ value }) => each(value)).join('\n')
}

function describeAlert({ labels, annotations }: Told): string {
  return `${describeLabels(labels)} with the annotations ${describeLabels(annotations)}`
}

function describeSample({ labels, value }: ExpectedSample): string {
  const { [METRIC_NAME]: name = '', ...rest } = labels
  return `${name}${describeLabels(rest)} ${formatFloat(value)}`
}

function describeLabels(labels: Labels): string {
  const pairs = Object.entries(canonicalLabels(labels)).map(([name, value]) => `${name}=${JSON.stringify(value)}`)
  return `{${pairs.join(', ')}}`
}
