import { describe, expect, test } from 'vitest'

import { contractConfig } from '../../../test/support/contract-watch.ts'
import type { Event } from '../../core/event.ts'
import type { JourneySummary } from '../../core/journey.ts'
import type { Json } from '../../lib/json.ts'
import { clockSteps, journeyDefinitions, journeySamples, stepsOf } from './journeys.ts'

const config = await contractConfig({ preset: 'tesseract' })

function event(name: string, args: Readonly<Record<string, Json>>, type = 'evm.log'): Event {
  return { type, name, key: `key of ${name}`, id: name, time: 5_000, isHistory: false, args }
}

describe('steps of a journey', () => {
  test('follow the events in the order of the chain', () => {
    const steps = stepsOf(config.journeys, [
      event('TransactionBuffered', { tx_id: '0x01' }),
      event('RoleGranted', {}),
      event('TransactionFailed', { tx_id: '0x01' }),
      event('TransactionReady', { tx_id: '0x01' }),
    ])

    expect(steps).toEqual([
      {
        kind: 'start',
        journey: 'transaction',
        key: '0x01',
        outcome: '',
        time: 5_000,
        event: 'key of TransactionBuffered',
      },
      {
        kind: 'end',
        journey: 'transaction',
        key: '0x01',
        outcome: 'failed',
        time: 5_000,
        event: 'key of TransactionFailed',
      },
      {
        kind: 'end',
        journey: 'transaction',
        key: '0x01',
        outcome: 'ready',
        time: 5_000,
        event: 'key of TransactionReady',
      },
    ])
  })

  test('come from logs alone, and from those that have the key', () => {
    expect(
      stepsOf(config.journeys, [event('TransactionBuffered', {}), event('TransactionBuffered', { tx_id: 1 }, 'x')]),
    ).toEqual([])
  })

  test('tell the time to journeys that have a deadline', () => {
    const timeless = config.journeys.map((journey) => ({ ...journey, deadline: undefined }))

    expect(clockSteps(config.journeys, 9)).toEqual([
      { kind: 'clock', journey: 'transaction', time: 9, deadlineMs: 600_000 },
    ])
    expect(clockSteps(timeless, 9)).toEqual([])
  })
})

test('every outcome is known before anything happened, expiry among them', () => {
  expect(journeyDefinitions(config)).toMatchObject([
    { name: 'transaction', outcomes: ['ready', 'failed', 'expired'], deadlineMs: 600_000 },
  ])
})

describe('samples of a journey', () => {
  const bounds = config.journeys[0]?.buckets ?? []
  const totals = (outcome: string, ended: number) => ({
    outcome,
    ended,
    retracted: 1,
    buckets: [...bounds.map((bound) => (bound >= 300 ? ended : 0)), ended],
    sumSeconds: 300 * ended,
  })
  const summary: JourneySummary = {
    journey: 'transaction',
    inFlight: 4,
    outcomes: [totals('ready', 3), totals('failed', 1), totals('expired', 1)],
  }

  test('are counters and a histogram with a bound at every threshold', () => {
    const samples = journeySamples(config, [summary])
    const value = (name: string, labels: Readonly<Record<string, string>>) =>
      samples.find(
        (sample) => sample.name === name && Object.entries(labels).every(([key, text]) => sample.labels[key] === text),
      )?.value

    expect(value('evm_contract_journeys_in_flight', { journey: 'transaction' })).toBe(4)
    expect(value('evm_contract_journeys_total', { outcome: 'ready' })).toBe(3)
    expect(value('evm_contract_journeys_retracted_total', { outcome: 'failed' })).toBe(1)
    expect(value('evm_contract_journey_duration_seconds_bucket', { outcome: 'ready', le: '120' })).toBe(0)
    expect(value('evm_contract_journey_duration_seconds_bucket', { outcome: 'ready', le: '300' })).toBe(3)
    expect(value('evm_contract_journey_duration_seconds_count', { outcome: 'ready' })).toBe(3)
    expect(value('tesseract_resolution_time_seconds_sum', {})).toBe(900)
    expect(
      samples
        .filter(({ name }) => name === 'tesseract_resolution_time_seconds_bucket')
        .map(({ labels }) => labels['le']),
    ).toEqual(['1', '2.5', '5', '10', '15', '30', '45', '60', '90', '120', '300', '600', '1800', '3600', '+Inf'])
  })

  test('have no duration for what never ended, and no Tesseract names without the preset', async () => {
    const plain = { ...config, preset: undefined }
    const samples = journeySamples(plain, [summary])

    expect(samples.filter(({ name, labels }) => name.includes('duration') && labels['outcome'] === 'expired')).toEqual(
      [],
    )
    expect(samples.filter(({ name }) => name.startsWith('tesseract'))).toEqual([])
  })
})
