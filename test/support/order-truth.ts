import { expect } from 'vitest'

import type { Chainwarden } from './chainwarden.ts'
import { eventually } from './eventually.ts'
import type { OrderChain, OrderTruth } from './order-chain.ts'
import type { Receiver } from './received.ts'

const REASON = /cause-\d+\./
const REVERTED = 'reverted by a reorg'

/** What is counted and read must become what is on the chain. Nothing may happen on the chain meanwhile. */
export async function expectTruth(chainwarden: Chainwarden, chain: OrderChain): Promise<OrderTruth> {
  const truth = await chain.truth()
  const expected = {
    events: truth.events,
    count: truth.count,
    lastBlock: truth.head,
    inFlight: truth.inFlight,
    filled: truth.events.OrderFilled,
    failed: truth.events.OrderFailed,
    mismatch: 0,
  }
  await eventually('what is seen is what is on the chain', async () => {
    expect(await seenBy(chainwarden, Object.keys(truth.events))).toEqual(expected)
    return true
  })
  return truth
}

async function seenBy(chainwarden: Chainwarden, names: readonly string[]) {
  const value = async (expression: string) => chainwarden.value(expression)
  const standing = async (family: string, matcher: string) =>
    value(
      `sum(evm_contract_${family}_total{target="orders",${matcher}}) - sum(evm_contract_${family}_retracted_total{target="orders",${matcher}})`,
    )
  return {
    events: Object.fromEntries(
      await Promise.all(names.map(async (name) => [name, await standing('events', `event="${name}"`)] as const)),
    ),
    count: await value('evm_contract_read{function="count"}'),
    lastBlock: await value('evm_contract_last_block'),
    inFlight: await value('evm_contract_journeys_in_flight{journey="order"}'),
    filled: await standing('journeys', 'outcome="filled"'),
    failed: await standing('journeys', 'outcome="failed"'),
    mismatch: await value('evm_contract_self_check_mismatch'),
  }
}

export interface Expectation {
  readonly chain: OrderChain
  readonly receiver: Receiver
  /** Reasons of failures from before the first start. */
  readonly history: ReadonlySet<string>
}

/**
 * Who is told must be told of every failure on the chain, of each by one message (that message may come again across a
 * kill), of none from before the first start, and that those are over which are not on the chain any more.
 */
export async function expectAlerts(chainwarden: Chainwarden, expectation: Expectation): Promise<void> {
  const { chain, receiver, history } = expectation
  const { failures } = await chain.truth()
  const due = [...failures].filter((reason) => !history.has(reason)).toSorted()
  await eventually('the receiver knows what is on the chain, and nothing else', () => {
    const told = [...receiver.told('OrderFailed', REASON)]
    const firing = told.filter(([, { last }]) => last.status === 'firing').map(([reason]) => reason)
    expect(firing.toSorted()).toEqual(due)
    return true
  })
  const { alerts } = await chainwarden.status()
  const active = alerts.filter(({ labels }) => labels['alertname'] === 'OrderFailed')
  expect(new Set(active.map(({ annotations }) => REASON.exec(annotations['summary'] ?? '')?.[0]))).toEqual(new Set(due))
  expect(active).toHaveLength(due.length)
  for (const [reason, { firing, last }] of receiver.told('OrderFailed', REASON)) {
    expect(new Set(firing).size, `messages about ${reason}`).toBe(1)
    if (last.status === 'resolved') expect(last.annotations['resolved_reason']).toBe(REVERTED)
  }
}
