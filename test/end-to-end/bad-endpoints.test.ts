import { describe, expect, test } from 'vitest'

import { type EvmFault, type EvmProxy, startEvmProxy } from '../../src/fakes/evm-proxy/index.ts'
import { createWorld } from '../../src/lib/world.ts'
import { HAS_ANVIL } from '../support/anvil.ts'
import { CANARIES, expectNoSecrets } from '../support/canaries.ts'
import { type Chainwarden, startChainwarden } from '../support/chainwarden.ts'
import { eventually } from '../support/eventually.ts'
import { type OrderChain, startOrderChain } from '../support/order-chain.ts'
import { expectAlerts, expectTruth } from '../support/order-truth.ts'
import { createOrderWatch } from '../support/order-watch.ts'
import { type Receiver, startReceiver } from '../support/received.ts'

/** What an endpoint does to every question, and the reason that must be given for it. */
const REFUSALS: readonly { readonly does: string; readonly fault: EvmFault; readonly reason: string }[] = [
  { does: 'answers a page', fault: { kind: 'html' }, reason: 'malformed' },
  {
    does: 'answers 429 and asks for a second',
    fault: { kind: 'status', status: 429, headers: { 'retry-after': '1' }, body: 'slow down' },
    reason: 'rate-limited',
  },
  {
    does: 'answers 502',
    fault: { kind: 'status', status: 502, body: '<html>Bad Gateway</html>' },
    reason: 'server-error',
  },
  { does: 'answers 401', fault: { kind: 'status', status: 401, body: 'invalid key' }, reason: 'auth' },
  { does: 'hangs', fault: { kind: 'hang' }, reason: 'timeout' },
  { does: 'answers nothing at all', fault: { kind: 'empty' }, reason: 'malformed' },
  { does: 'answers 200 MB', fault: { kind: 'huge', bytes: 200_000_000 }, reason: 'too-large' },
  { does: 'closes the connection', fault: { kind: 'reset' }, reason: 'unreachable' },
  { does: 'answers half of it', fault: { kind: 'truncated' }, reason: 'malformed' },
  { does: 'answers another question', fault: { kind: 'wrong-id' }, reason: 'malformed' },
]

/** What an endpoint does to some questions, while it seems to work. */
const LIES: readonly { readonly does: string; readonly fault: (head: number) => readonly EvmFault[] }[] = [
  { does: 'leaves out the logs of its newest blocks', fault: (head) => [{ kind: 'no-logs', fromBlock: head + 1 }] },
  { does: 'stops at a block', fault: (head) => [{ kind: 'stale-head', number: head }] },
  { does: 'goes back three blocks', fault: (head) => [{ kind: 'stale-head', number: Math.max(1, head - 3) }] },
  {
    does: 'takes no range and no batch',
    fault: () => [
      { kind: 'no-batch' },
      { kind: 'range', maxBlocks: 1, code: -32_005, message: 'block range is too wide' },
    ],
  },
]

interface Place {
  readonly chain: OrderChain
  readonly receiver: Receiver
  readonly proxy: EvmProxy
}

async function open(): Promise<Place & AsyncDisposable> {
  const stack = new AsyncDisposableStack()
  const chain = stack.use(await startOrderChain())
  const receiver = stack.use(await startReceiver(CANARIES.webhookPath))
  const proxy = stack.adopt(await startEvmProxy({ world: createWorld(), upstream: chain.anvil.url }), async (it) =>
    it.stop(),
  )
  await chain.place(30)
  return { chain, receiver, proxy, [Symbol.asyncDispose]: async () => stack.disposeAsync() }
}

const keyed = (url: string) => `${url}/v2/${CANARIES.rpcKey}`
const hostOf = (url: string) => new URL(url).host

async function targetOf(chainwarden: Chainwarden) {
  const { targets } = await chainwarden.status()
  const [orders, host] = targets
  if (orders === undefined || host === undefined) throw new Error('two targets are configured')
  return { orders, host }
}

describe.skipIf(!HAS_ANVIL).concurrent('a node', { timeout: 150_000 }, () => {
  test('alone, whatever it does: each refusal has one clear sentence, and nothing is lost or told twice', async () => {
    await using place = await open()
    const { chain, receiver, proxy } = place
    using watch = await createOrderWatch({
      chain,
      rpcUrls: [keyed(proxy.url)],
      receiverUrl: receiver.url,
      target: ['timeout: 1s'],
    })
    await using chainwarden = await startChainwarden(watch)
    await expectTruth(chainwarden, chain)

    for (const { does, fault, reason } of REFUSALS) {
      proxy.setFaults(fault)
      await chain.fail()
      const said = await eventually(`a node that ${does} is said to be so`, async () => {
        const { orders, host } = await targetOf(chainwarden)
        expect(orders).toMatchObject({ up: false, connected: false, block_number: null })
        expect(orders.parts['chain']).toMatchObject({ ok: false, reason })
        expect(host.up).toBe(true)
        return orders.parts['chain']?.detail
      })
      expect(said).toContain(hostOf(proxy.url))
      proxy.setFaults()
      await eventually(
        `a node that ${does} no longer is used again`,
        async () => (await targetOf(chainwarden)).orders.up,
      )
    }
    const failures = chainwarden.log().filter(({ message }) => message === 'part cannot be read')
    expect(new Set(failures.map((line) => line['reason']))).toEqual(new Set(REFUSALS.map(({ reason }) => reason)))

    for (const { fault } of LIES) {
      proxy.setFaults(...fault((await chain.truth()).head))
      await chain.fail()
      await chain.mineAgain(2)
      await chain.fail()
      const asked = proxy.exchanges()
      await eventually('it was asked', () => proxy.exchanges() > asked + 3)
      proxy.setFaults()
      await chain.mine(1)
    }
    await chain.mine(3)

    await expectTruth(chainwarden, chain)
    await expectAlerts(chainwarden, { chain, receiver, history: new Set() })
    expect(receiver.alerts('OrderFailed').every(({ status }) => status === 'firing')).toBe(true)
    expect(receiver.alerts('OrderFailed')).toHaveLength((await chain.truth()).events.OrderFailed)
    const ended = await chainwarden.stop()
    expect(ended).toMatchObject({ code: 0, stderr: '' })

    await using again = await startChainwarden(watch)
    await expectTruth(again, chain)
    await expectNoSecrets(again, ended.stdout)
  })

  test('beside an honest one is named and passed over, and alerts come all the same', async () => {
    await using place = await open()
    const { chain, receiver, proxy } = place
    using watch = await createOrderWatch({
      chain,
      rpcUrls: [keyed(proxy.url), `${chain.anvil.url}/?apikey=${CANARIES.rpcKey}`],
      receiverUrl: receiver.url,
      target: ['timeout: 1s'],
    })
    await using chainwarden = await startChainwarden(watch)
    await expectTruth(chainwarden, chain)
    const endpoint = `endpoint="${hostOf(proxy.url)}"`

    for (const { does, fault } of REFUSALS.filter(({ fault: { kind } }) => kind !== 'huge')) {
      proxy.setFaults(fault)
      await chain.fail()
      await expectAlerts(chainwarden, { chain, receiver, history: new Set() })
      await eventually(`an endpoint that ${does} is down`, async () => {
        return (await chainwarden.value(`evm_endpoint_up{${endpoint}}`)) === 0
      })
      expect(await chainwarden.value('up{target="orders"}')).toBe(1)
      expect(await chainwarden.value(`evm_endpoint_up{endpoint="${hostOf(chain.anvil.url)}"}`)).toBe(1)
      proxy.setFaults()
    }
    await eventually('the endpoint is up', async () => (await chainwarden.value(`evm_endpoint_up{${endpoint}}`)) === 1)
    const { head } = await chain.truth()
    proxy.setFaults({ kind: 'stale-head', number: head })
    await chain.mine(20)
    await chain.fail()
    await expectAlerts(chainwarden, { chain, receiver, history: new Set() })
    await eventually('the lag is seen', async () => {
      return ((await chainwarden.value(`evm_endpoint_head_lag_blocks{${endpoint}}`)) ?? 0) > 20
    })
    proxy.setFaults({ kind: 'no-logs', fromBlock: 0 })
    await chain.fail()
    await expectAlerts(chainwarden, { chain, receiver, history: new Set() })
    await expectTruth(chainwarden, chain)
    expect(receiver.alerts('OrderFailed').every(({ status }) => status === 'firing')).toBe(true)
    await expectNoSecrets(chainwarden, chainwarden.output())
  })

  test('of another chain is not believed, and the sentence says which chain it is', async () => {
    await using place = await open()
    const { chain, receiver, proxy } = place
    proxy.setFaults({ kind: 'chain-id', chainId: 10 })
    using watch = await createOrderWatch({ chain, rpcUrls: [keyed(proxy.url)], receiverUrl: receiver.url })
    await using chainwarden = await startChainwarden(watch)

    await eventually('the chain is said to be another', async () => {
      const { orders } = await targetOf(chainwarden)
      expect(orders.parts['chain']).toMatchObject({ ok: false, reason: 'wrong-chain' })
      expect(orders.parts['chain']?.detail).toContain('answers for chain 10, and chain 31337 is expected')
      return true
    })
    expect(await chainwarden.value('evm_endpoint_wrong_chain')).toBe(1)
    expect(await chainwarden.query('evm_contract_events_total > 0')).toEqual([])
    proxy.setFaults()
    await expectTruth(chainwarden, chain)

    proxy.setFaults({ kind: 'chain-id', chainId: 5 })
    await eventually('a node of another chain at the same address is noticed', async () => {
      const { orders } = await targetOf(chainwarden)
      return orders.parts['chain']?.detail.includes('answers for chain 5') === true
    })
    expect(await chainwarden.query('evm_contract_events_retracted_total > 0')).toEqual([])
  })

  test('that bears only small ranges is read from the first block to the last', async () => {
    await using place = await open()
    const { chain, receiver, proxy } = place
    await chain.mine(400)
    await chain.place(2)
    proxy.setFaults({
      kind: 'range',
      maxBlocks: 20,
      code: -32_600,
      message: 'eth_getLogs is limited to a 20 blocks range',
    })
    using watch = await createOrderWatch({ chain, rpcUrls: [keyed(proxy.url)], receiverUrl: receiver.url })
    await using chainwarden = await startChainwarden(watch)

    await expectTruth(chainwarden, chain)
    expect((await targetOf(chainwarden)).orders).toMatchObject({ caught_up: true, backfill_remaining_blocks: 0 })
  })
})
