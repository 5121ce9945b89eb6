import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import { describe, expect, test } from 'vitest'

import { contractConfig } from '../../../test/support/contract-watch.ts'
import { ROOT } from '../../../test/tidy/sources.ts'
import type { JourneySummary } from '../../core/journey.ts'
import type { Labels } from '../../core/labels.ts'
import { matchesAll } from '../../core/matcher.ts'
import type { Sample } from '../../core/sample.ts'
import { createQueryEngine, isLocal, parseExpr, type SeriesSource, selectorsOf } from '../../promql/index.ts'
import { type AlertRule, parseEventRuleFile, parseRuleFile } from '../../rules/index.ts'
import { thresholdsOf } from './config.ts'
import { evmContract } from './index.ts'
import { journeySamples } from './journeys.ts'

const STEP_S = 15
const config = await contractConfig({ preset: 'tesseract', chain_id: 1, interval: '15s' })
const LABELS = { target: 'tesseract', job: 'tesseract', instance: '127.0.0.1:8545' }
const COMPAT = join(ROOT, '../shared/fixtures/compat/tesseract.rules.yml')

/** What a target brings at each step, from second 0 on; nothing where a part failed. */
type Scene = (second: number) => readonly Sample[]

const healthy: Scene = () => [
  sample('up', 1),
  ...Object.entries(thresholdsOf(config)).map(([name, value]) => sample('chainwarden_threshold', value, { name })),
  ...['a', 'b'].flatMap((endpoint) => [
    sample('evm_endpoint_up', 1, { endpoint }),
    sample('evm_endpoint_suspicious', 0, { endpoint }),
    sample('evm_endpoint_wrong_chain', 0, { endpoint }),
    sample('evm_endpoint_head_lag_blocks', 1, { endpoint }),
  ]),
  sample('evm_contract_exists', 1),
  sample('evm_contract_head_age_seconds', 12),
  sample('evm_contract_backfill_remaining_blocks', 0),
  sample('evm_contract_reorg_disputed', 0),
  sample('evm_contract_deep_reorgs_total', 0),
  sample('evm_contract_undecodable_logs_total', 0),
  sample('evm_contract_self_check_mismatch', 0, { event: 'TransactionBuffered' }),
  sample('evm_contract_read', 0, { function: 'paused' }),
]

function sample(name: string, value: number, labels: Labels = {}): Sample {
  return { name, value, labels }
}

/** The same with other values for some series, named by their metric or by metric and first label. */
function but(scene: Scene, change: (second: number) => Readonly<Record<string, number | undefined>>): Scene {
  return (second) => {
    const changes = change(second)
    const changed = scene(second).flatMap((one) => {
      const keys = [`${one.name} ${Object.values(one.labels)[0] ?? ''}`, one.name]
      const key = keys.find((candidate) => candidate in changes)
      if (key === undefined) return [one]
      const value = changes[key]
      return value === undefined ? [] : [{ ...one, value }]
    })
    const known = new Set(changed.flatMap((one) => [one.name, `${one.name} ${Object.values(one.labels)[0] ?? ''}`]))
    const added = Object.entries(changes).filter(([key]) => !known.has(key))
    return [...changed, ...added.flatMap(([key, value]) => (value === undefined ? [] : [sample(key, value)]))]
  }
}

function sourceOf(scene: Scene, seconds: number): SeriesSource {
  const series = new Map<string, { labels: Labels; times: number[]; values: number[] }>()
  for (let second = 0; second <= seconds; second += STEP_S) {
    for (const { name, labels, value } of scene(second)) {
      const all = { ...LABELS, ...labels, __name__: name }
      const key = JSON.stringify(all)
      const known = series.get(key) ?? { labels: all, times: new Array<number>(), values: new Array<number>() }
      series.set(key, known)
      known.times.push(second * 1_000)
      known.values.push(value)
    }
  }
  const all = [...series.values()].map(({ labels, times, values }, id) => ({ id, labels, times, values }))
  return {
    generation: 1,
    select: (matchers) => all.filter(({ labels }) => matchesAll(matchers, labels)),
    load: (refs) => ({
      points(index) {
        const { times = [], values = [] } = all.find(({ id }) => id === refs[index]?.id) ?? {}
        return {
          times: Float64Array.from(times),
          values: Float64Array.from(values),
          stale: undefined,
          start: 0,
          end: times.length,
        }
      },
    }),
  }
}

/** The alerts that fire at the end: true at every step of their `for`. */
async function firing(
  scene: Scene,
  minutes: number,
  rules: readonly AlertRule[] = allRules(),
): Promise<readonly string[]> {
  const seconds = minutes * 60
  const engine = createQueryEngine({
    source: sourceOf(scene, seconds),
    limits: { samples: 1_000_000, steps: 10_000, timeMs: 60_000 },
    clock: { monotonic: () => 0, yield: async () => Promise.resolve() },
    defaultSubqueryStepMs: 15_000,
  })
  const names: string[] = []
  for (const rule of rules) {
    const query = engine.prepare(rule.parsed)
    let isTrue = true
    for (let second = seconds - rule.forMs / 1_000; second <= seconds && isTrue; second += STEP_S) {
      const { value } = await query.instant(second * 1_000)
      isTrue = value.type === 'vector' && value.elements.length > 0
    }
    if (isTrue) names.push(rule.name)
  }
  return names
}

function rulesOf(file: string, name: string): readonly AlertRule[] {
  return parseRuleFile(file, name).flatMap(({ rules }) =>
    rules.flatMap((rule) => (rule.kind === 'alert' ? [rule] : [])),
  )
}

function allRules(): readonly AlertRule[] {
  return evmContract.rules(config).rules.flatMap((url) => rulesOf(readFileSync(url, 'utf8'), url.pathname))
}

/** Ended journeys so far, as the state would tell them. */
function journeys(ready: number, failed: number, seconds = 10): readonly Sample[] {
  const bounds = config.journeys[0]?.buckets ?? []
  const totals = (outcome: string, ended: number) => ({
    outcome,
    ended,
    retracted: 0,
    buckets: [...bounds.map((bound) => (seconds <= bound ? ended : 0)), ended],
    sumSeconds: ended * seconds,
  })
  const summary: JourneySummary = {
    journey: 'transaction',
    inFlight: 0,
    outcomes: [totals('ready', ready), totals('failed', failed), totals('expired', 0)],
  }
  return [
    ...journeySamples(config, [summary]),
    sample('tesseract_transactions_buffered_total', ready + failed),
    sample('tesseract_transactions_ready_total', ready),
    sample('tesseract_transactions_failed_total', failed),
  ]
}

const busy: Scene = (second) => [...healthy(second), ...journeys(second / 15, 0)]

/** A contract without the preset. */
const plain: Scene = (second) =>
  healthy(second).filter(({ labels }) => labels['name']?.startsWith('tesseract') !== true)

/** Transactions that end at a steady rate, a share of which fails. */
function failing(share: number, perMinute: number): Scene {
  return (second) => {
    const ended = Math.floor((second / 60) * perMinute)
    const failed = Math.floor(ended * share)
    return [...healthy(second), ...journeys(ended - failed, failed)]
  }
}

/** Four transactions a minute that take so long to become ready. */
function taking(seconds: number): Scene {
  return (second) => [...healthy(second), ...journeys(second / 15, 0, seconds)]
}

describe('the alerts that come along', () => {
  test('are all evaluated for the target that arrived alone, and read only what there is', () => {
    const known = new Set(
      Object.entries(evmContract.metrics).flatMap(([name, { type }]) =>
        type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
      ),
    )
    const own = new Set([...known, 'up', 'chainwarden_threshold'])

    expect(
      allRules()
        .filter(({ parsed }) => !isLocal(parsed))
        .map(({ name }) => name),
    ).toEqual([])
    expect(allRules().flatMap(({ parsed }) => selectorsOf(parsed).filter(({ name }) => !own.has(name)))).toEqual([])
  })

  test('are silent over a contract that does well', async () => {
    expect(await firing(busy, 30)).toEqual([])
  })

  test.each([
    ['EvmEndpointDown', { 'evm_endpoint_up a': 0 }],
    ['EvmEndpointLagging', { 'evm_endpoint_head_lag_blocks b': 11 }],
    ['EvmEndpointSuspicious', { 'evm_endpoint_suspicious a': 1 }],
    ['EvmWrongChain', { 'evm_endpoint_wrong_chain a': 1 }],
    ['EvmHeadOld', { evm_contract_head_age_seconds: 301 }],
    ['EvmContractMissing', { evm_contract_exists: 0 }],
    ['EvmReorgDisputed', { evm_contract_reorg_disputed: 1 }],
    ['EvmSelfCheckMismatch', { evm_contract_self_check_mismatch: -1 }],
    ['TesseractContractPaused', { 'evm_contract_read paused': 1 }],
    ['TesseractNodeDisconnected', { up: 0 }],
  ])('%s fires on %o, and no other does', async (name, change) => {
    expect(
      await firing(
        but(busy, () => change),
        30,
      ),
    ).toEqual([name])
  })

  test('without the preset disconnection and pause are told under the common names', async () => {
    expect(
      await firing(
        but(plain, () => ({ up: 0 })),
        10,
      ),
    ).toEqual(['EvmNodeDisconnected'])
    expect(
      await firing(
        but(plain, () => ({ 'evm_contract_read paused': 1 })),
        10,
      ),
    ).toEqual(['EvmContractPaused'])
  })

  test('EvmFollowingStalled fires while blocks wait and none is read, not while a backfill goes on', async () => {
    const waiting = { evm_contract_backfill_remaining_blocks: 40, evm_contract_last_block: 7 }

    expect(
      await firing(
        but(busy, () => waiting),
        30,
      ),
    ).toEqual(['EvmFollowingStalled'])
    expect(
      await firing(
        but(busy, (second) => ({ ...waiting, evm_contract_last_block: second })),
        30,
      ),
    ).toEqual([])
  })

  test.each([
    ['EvmDeepReorg', 'evm_contract_deep_reorgs_total'],
    ['EvmUndecodableLogs', 'evm_contract_undecodable_logs_total'],
  ])('%s fires when %s went up, and is over some time later', async (name, metric) => {
    const risen = but(busy, (second) => ({ [metric]: second < 600 ? 0 : 1 }))

    expect(await firing(risen, 12)).toEqual([name])
    expect(await firing(risen, 80)).toEqual([])
  })
})

describe('the alerts of preset: tesseract', () => {
  test('TesseractHighFailureRate fires where more than a tenth of at least ten failed for five minutes', async () => {
    expect(await firing(failing(0.2, 5), 30)).toEqual(['TesseractHighFailureRate', 'TesseractLowSuccessRate'])
    expect(await firing(failing(0.08, 5), 30)).toEqual(['TesseractLowSuccessRate'])
    expect(await firing(failing(0.04, 5), 60)).toEqual([])
    expect(await firing(failing(0.5, 0.5), 60)).not.toContain('TesseractHighFailureRate')
  })

  test('TesseractSlowResolution fires where transactions take 300 seconds, and not where they take 45', async () => {
    expect(await firing(taking(300), 30)).toEqual(['TesseractSlowResolution'])
    expect(await firing(taking(45), 30)).toEqual([])
  })

  test('TesseractLowTransactionRate fires below one a minute for five minutes', async () => {
    expect(await firing(failing(0, 0.5), 30)).toEqual(['TesseractLowTransactionRate'])
    expect(await firing(failing(0, 2), 30)).toEqual([])
  })

  test('thresholds of the target move them', async () => {
    const lenient = Object.entries(
      thresholdsOf({ ...config, thresholds: { ...config.thresholds, resolution: 600_000 } }),
    )
    const slow: Scene = (second) => [
      ...healthy(second).filter(({ name }) => name !== 'chainwarden_threshold'),
      ...lenient.map(([name, value]) => sample('chainwarden_threshold', value, { name })),
      ...journeys(second / 15, 0, 300),
    ]

    expect(await firing(slow, 30)).toEqual([])
  })
})

describe.skipIf(!existsSync(COMPAT))('the rules operators have today, loaded as they stand', () => {
  const rules = existsSync(COMPAT) ? rulesOf(readFileSync(COMPAT, 'utf8'), 'tesseract.rules.yml') : []

  test('match our series and fire on a dead node', async () => {
    expect(
      await firing(
        but(busy, () => ({ up: 0 })),
        10,
        rules,
      ),
    ).toEqual(['TesseractNodeDisconnected'])
  })

  test('see a resolution of 300 seconds, for the histogram reaches past their threshold', async () => {
    expect(await firing(taking(300), 30, rules)).toEqual(['TesseractSlowResolution'])
  })
})

test('the event rules that come along fit the events', () => {
  const names = evmContract
    .rules(config)
    .eventRules.flatMap((url) => parseEventRuleFile(readFileSync(url, 'utf8'), url.pathname, evmContract.events))
    .map(({ alert }) => alert)

  expect(names).toEqual(['EvmOwnerChanged', 'TesseractTransactionFailed'])
})

test('the README says of every metric and every alert what it means', () => {
  const readme = readFileSync(new URL('./README.md', import.meta.url), 'utf8')
  const alerts = [...allRules().map(({ name }) => name), 'EvmOwnerChanged', 'TesseractTransactionFailed']

  expect([...Object.keys(evmContract.metrics), ...alerts].filter((name) => !readme.includes(`\`${name}\``))).toEqual([])
})

test('every panel asks for series that there are', () => {
  const asked = evmContract
    .panels(config)
    .flatMap(({ queries }) => queries.flatMap(({ expr }) => selectorsOf(parseExpr(expr))))
  expect(
    asked.filter(({ name }) => name !== 'up' && evmContract.metrics[name.replace(/_bucket$/, '')] === undefined),
  ).toEqual([])
  expect(
    evmContract
      .panels(config)
      .slice(0, 8)
      .map(({ title }) => title),
  ).toEqual([
    'Transaction Rate',
    'Failed Transactions',
    'Resolution Time (p99)',
    'Transactions/min',
    'Success rate',
    'p95 resolution',
    'Failed transactions',
    'Node status',
  ])
})
