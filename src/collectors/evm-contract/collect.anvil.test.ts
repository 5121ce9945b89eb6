import { afterEach, describe, expect, test } from 'vitest'

import { type Anvil, HAS_ANVIL, startAnvil } from '../../../test/support/anvil.ts'
import { contractConfig, createContractWatch, createKeptLog } from '../../../test/support/contract-watch.ts'
import { bytes32, deploy } from '../../../test/support/deploy.ts'
import { createEvmPool, type EvmPool, parseAddress } from '../../chains/evm/index.ts'
import { createWorld } from '../../lib/world.ts'
import type { Round } from '../collector.ts'

const NOBODY = '0x00000000000000000000000000000000000000aa'
const SOMEBODY = '0x00000000000000000000000000000000000000bb'

describe.skipIf(!HAS_ANVIL)('a contract on a real node', () => {
  let anvil: Anvil | undefined
  let pool: EvmPool | undefined

  afterEach(async () => {
    pool?.stop()
    await anvil?.stop()
  })

  /** A watch in which half a second passes between two rounds, so that each looks at the chain anew. */
  async function watchBuffer(own: Readonly<Record<string, unknown>>) {
    const node = await startAnvil()
    anvil = node
    const contract = await deploy(node, 'transaction-buffer')
    const real = createWorld()
    let passedMs = 0
    const world = { ...real, monotonic: () => real.monotonic() + passedMs }
    pool = createEvmPool(world, createKeptLog())
    const endpoints = { urls: [node.url], chainId: 31_337, timeoutMs: 5_000 }
    const config = await contractConfig({
      rpc_urls: [node.url],
      chain_id: 31_337,
      address: contract.address,
      ...own,
    })
    const firstStartedAt = real.now() - 60_000
    const watch = createContractWatch({ config, follower: pool.follower(endpoints), firstStartedAt })
    async function round(): Promise<Round> {
      passedMs += 600
      watch.now = real.now()
      return watch.round()
    }
    return { node, contract, watch, round }
  }

  test('logs, view functions, journeys and the self-check agree with what was sent', async () => {
    const { contract, round } = await watchBuffer({ preset: 'tesseract', start_block: 1 })
    await contract.send('buffer', [bytes32(1), NOBODY, SOMEBODY])
    await contract.send('buffer', [bytes32(2), NOBODY, SOMEBODY])
    await contract.send('ready', [bytes32(1)])
    await contract.send('fail', [bytes32(2), 'Dependencies not satisfied'])

    const first = await round()

    expect(first.events.map(({ name, args }) => [name, args])).toMatchObject([
      ['TransactionBuffered', { tx_id: bytes32(1), origin_rollup: checksummed(NOBODY) }],
      ['TransactionBuffered', { tx_id: bytes32(2) }],
      ['TransactionReady', { tx_id: bytes32(1) }],
      ['TransactionFailed', { tx_id: bytes32(2), reason: 'Dependencies not satisfied' }],
    ])
    expect(first.journeys.map(({ kind }) => kind)).toEqual(['start', 'start', 'end', 'end', 'clock'])
    expect(valuesOf(first)).toMatchObject({
      'evm_contract_events_total{TransactionBuffered}': 2,
      'tesseract_transactions_failed_total{}': 1,
      'tesseract_transaction_count{}': 2,
      'evm_contract_read{paused}': 0,
      'evm_contract_read{coordination_window}': 30,
      'evm_contract_self_check_mismatch{TransactionBuffered}': 0,
      'evm_contract_exists{}': 1,
      'evm_contract_last_block{}': 5,
    })
    expect(valuesOf(first)).not.toHaveProperty('evm_contract_read{circuit_breaker_active}')
    expect(first.status).toMatchObject({ connected: true, contract_exists: true, paused: false, transaction_count: 2 })
    expect(reasonOf(first, 'circuit_breaker_active')).toContain('not supported')

    await contract.send('transferOwnership', [SOMEBODY])
    const second = await round()

    expect(second.events).toMatchObject([
      { type: 'evm.read_changed', args: { function: 'owner', new: checksummed(SOMEBODY) } },
    ])
  })

  test('what a reorg drops is retracted, and what stands in its place is an event', async () => {
    const { node, contract, watch, round } = await watchBuffer({ preset: 'tesseract', start_block: 1 })
    await contract.send('buffer', [bytes32(1), NOBODY, SOMEBODY])
    await contract.send('buffer', [bytes32(2), NOBODY, SOMEBODY])
    await contract.send('fail', [bytes32(2), 'late'])
    const before = await round()

    await node.rpc('anvil_reorg', [2, [[contract.raw('buffer', [bytes32(3), NOBODY, SOMEBODY]), 0]]])
    const after = await round()

    expect(after.retracted).toEqual(before.events.slice(1).map(({ key }) => key))
    expect(after.events.filter(({ type }) => type === 'evm.log').map(({ args }) => args['tx_id'])).toEqual([bytes32(3)])
    expect([...watch.standing.values()].filter(({ name }) => name === 'TransactionBuffered')).toHaveLength(2)
    expect(valuesOf(after)).toMatchObject({
      'evm_contract_reorgs_total{}': 1,
      'evm_contract_events_total{TransactionFailed}': 1,
      'evm_contract_events_retracted_total{TransactionFailed}': 1,
      'evm_contract_self_check_mismatch{TransactionBuffered}': 0,
    })
  })

  test('a dead node fails what needs it, says so of the endpoint, and loses nothing', async () => {
    const { node, contract, watch, round } = await watchBuffer({ preset: 'tesseract', start_block: 1 })
    await contract.send('buffer', [bytes32(1), NOBODY, SOMEBODY])
    await round()
    const { cursor } = watch

    await node.kill()
    const blind = await round()

    expect(blind.parts['chain']).toHaveProperty('failed')
    expect(blind.parts['reads']).toHaveProperty('failed')
    expect(valuesOf(blind)).toMatchObject({ [`evm_endpoint_up{127.0.0.1:${node.port}}`]: 0 })
    expect(blind.status).toMatchObject({ connected: false, paused: null, transaction_count: null, block_number: null })
    expect(reasonOf(blind, 'paused')).toContain('127.0.0.1')
    expect(watch.cursor).toEqual(cursor)
  })
})

function reasonOf(round: Round, name: string): string {
  const reasons = round.status?.['reasons']
  return JSON.stringify(typeof reasons === 'object' ? Object.entries(reasons ?? {}).find(([key]) => key === name) : '')
}

function checksummed(address: string): string {
  const parsed = parseAddress(address)
  return parsed.kind === 'address' ? parsed.address : parsed.fault
}

/** Samples by name and first label. */
function valuesOf(round: Round): Readonly<Record<string, number>> {
  const samples = Object.values(round.parts).flatMap((part) => ('samples' in part ? part.samples : []))
  return Object.fromEntries(
    samples.map(({ name, labels, value }) => [`${name}{${Object.values(labels)[0] ?? ''}}`, value]),
  )
}
