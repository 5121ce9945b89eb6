import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import { type Anvil, HAS_ANVIL, startAnvil } from '../../../test/support/anvil.ts'
import {
  ANSWERS_42,
  deployEmitter,
  EMITTED_TOPIC,
  type Emitter,
  RETURNS_NOTHING,
  REVERTS,
  REVERTS_PAUSED,
} from '../../../test/support/emitter.ts'
import { type EvmFault, type EvmProxy, startEvmProxy } from '../../fakes/evm-proxy/index.ts'
import { type FailureReason, OutsideError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import { createWorld, type World } from '../../lib/world.ts'
import { createEvmFollower } from './follower.ts'
import { createEvmPool, type EvmBlock, type EvmFollower, type EvmView } from './index.ts'

const SILENT: Logger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => SILENT,
}
const CHAIN_ID = 31_337
const { signal } = new AbortController()

/** The real world, but for a clock that a test can put forward, since looks within half a second are shared. */
function skippableWorld(): World & { skip(ms: number): void } {
  const world = createWorld()
  let skippedMs = 0
  return {
    ...world,
    monotonic: () => world.monotonic() + skippedMs,
    skip(ms) {
      skippedMs += ms
    },
  }
}

function quantity(value: number): string {
  return `0x${value.toString(16)}`
}

async function failureOf(work: Promise<unknown>): Promise<OutsideError> {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (error instanceof OutsideError) return error
  throw new Error('it did not fail as something outside does', { cause: error })
}

describe.skipIf(!HAS_ANVIL)('a chain behind endpoints', () => {
  let anvil: Anvil
  let proxy: EvmProxy
  let second: EvmProxy
  let third: EvmProxy
  let emitter: Emitter
  let world: ReturnType<typeof skippableWorld>
  const followers: EvmFollower[] = []

  beforeAll(async () => {
    anvil = await startAnvil()
    emitter = await deployEmitter(anvil)
    const started = [0, 1, 2].map(async () => startEvmProxy({ world: createWorld(), upstream: anvil.url }))
    const [a, b, c] = await Promise.all(started)
    if (a === undefined || b === undefined || c === undefined) throw new Error('three proxies were started')
    ;[proxy, second, third] = [a, b, c]
  })

  afterAll(async () => {
    await Promise.all([proxy.stop(), second.stop(), third.stop()])
    await anvil.stop()
  })

  beforeEach(() => {
    world = skippableWorld()
    for (const one of [proxy, second, third]) one.setFaults()
  })

  afterEach(() => {
    for (const follower of followers.splice(0)) follower.stop()
  })

  function follow(...urls: readonly string[]): EvmFollower {
    const endpoints = { urls, chainId: CHAIN_ID, timeoutMs: 2_000 }
    const follower = createEvmFollower({ endpoints, world, log: SILENT })
    followers.push(follower)
    return follower
  }

  /** A look that shares nothing with the one before, and finds every endpoint rested. */
  async function lookAgain(follower: EvmFollower): Promise<EvmView> {
    world.skip(5_000)
    return follower.look(signal)
  }

  async function headOf(follower: EvmFollower): Promise<EvmBlock> {
    const { head, failure } = await lookAgain(follower)
    if (head === undefined) throw new Error('there is no head', { cause: failure })
    return head
  }

  async function mine(count: number): Promise<EvmBlock> {
    // One second a block: a chain with a pace.
    await anvil.rpc('anvil_mine', [quantity(count), '0x1'])
    return headOf(follow(anvil.url))
  }

  const filter = () => ({ addresses: [emitter.address], topics: [EMITTED_TOPIC] })

  describe('that all answer', () => {
    test('has their head, chain and finalized block', async () => {
      const mined = await emitter.emit()

      const view = await follow(proxy.url, second.url).look(signal)

      expect(view).toMatchObject({ chainId: CHAIN_ID, head: mined, failure: undefined })
      expect(view.finalized).toBeLessThanOrEqual(mined.number)
      expect(view.endpoints.map((one) => [one.isUp, one.headNumber, one.lagBlocks, one.suspicion])).toEqual([
        [true, mined.number, 0, undefined],
        [true, mined.number, 0, undefined],
      ])
    })

    test('answers callers within half a second with one look', async () => {
      const follower = follow(proxy.url)
      await follower.look(signal)
      const before = proxy.exchanges()

      await Promise.all([follower.look(signal), follower.look(signal), follower.look(signal)])

      expect(proxy.exchanges()).toBe(before)
    })

    test('has headers by number, by hash and in a row', async () => {
      const mined = await emitter.emit()
      const follower = follow(proxy.url)

      const row = await follower.blocks(0, mined.number, signal)

      expect(row.map((block) => block.number)).toEqual(Array.from({ length: mined.number + 1 }, (_, number) => number))
      expect(await follower.blockByNumber(mined.number, signal)).toEqual(row.at(-1))
      expect(await follower.blockByHash(mined.hash, signal)).toEqual(row.at(-1))
      expect(await follower.blockByHash(`0x${'77'.repeat(32)}`, signal)).toBeUndefined()
    })

    test('says that a block above every head is not there yet', async () => {
      const follower = follow(proxy.url)
      const head = await headOf(follower)

      expect(await failureOf(follower.blockByNumber(head.number + 1, signal))).toMatchObject({ reason: 'behind' })
    })

    test('is asked in batches, or one by one where those are refused', async () => {
      const mined = await emitter.emit()
      const follower = follow(proxy.url)
      await follower.look(signal)
      const before = proxy.exchanges()
      await follower.blocks(0, Math.min(mined.number, 19), signal)
      expect(proxy.exchanges()).toBe(before + 1)

      proxy.setFaults({ kind: 'no-batch' })
      const single = await follower.blocks(0, mined.number, signal)

      expect(single.at(-1)).toMatchObject(mined)
    })

    test('keeps its endpoints apart by name, without showing more than host and port', async () => {
      const view = await follow(`${proxy.url}/v2/a-very-long-secret-key`, `${proxy.url}/?apikey=hidden`).look(signal)

      const host = new URL(proxy.url).host
      expect(view.endpoints.map((one) => one.name)).toEqual([host, `${host}#2`])
    })

    test('sends a user and password from the URL as authorization', async () => {
      const view = await follow(proxy.url.replace('//', '//user:secret@')).look(signal)

      expect(view.failure).toBeUndefined()
    })
  })

  describe('that fails', () => {
    test.each<readonly [FailureReason, EvmFault, string]>([
      ['auth', { kind: 'status', status: 401, body: 'invalid key' }, 'answered 401: invalid key'],
      ['rate-limited', { kind: 'status', status: 429 }, 'answered 429'],
      ['server-error', { kind: 'status', status: 502, body: '<html>Bad Gateway</html>' }, 'answered 502: an HTML page'],
      ['not-found', { kind: 'status', status: 404 }, 'answered 404'],
      ['malformed', { kind: 'html' }, 'an HTML page instead of JSON'],
      ['malformed', { kind: 'empty' }, 'an empty answer'],
      ['malformed', { kind: 'truncated' }, 'JSON that is cut off or broken'],
      ['malformed', { kind: 'wrong-id' }, 'the answer to another question'],
      ['malformed', { kind: 'result', result: { not: 'a number' } }, 'something that is no number'],
      ['too-large', { kind: 'huge', bytes: 200 * 1024 * 1024 }, 'sent more than'],
      ['unreachable', { kind: 'reset' }, 'could not be reached'],
      ['wrong-chain', { kind: 'chain-id', chainId: 5 }, 'answers for chain 5, and chain 31337 is expected'],
      ['unsupported', { kind: 'error', code: -32_601, message: 'Method not found' }, 'Method not found'],
      ['server-error', { kind: 'error', code: -32_000, message: 'oops' }, 'oops'],
    ])('is sorted as %s, with one sentence', async (reason, fault, words) => {
      proxy.setFaults(fault)

      const view = await follow(proxy.url).look(signal)

      expect(view.head).toBeUndefined()
      expect(view.failure?.reason).toBe(reason)
      expect(view.failure?.message).toContain(new URL(proxy.url).host)
      expect(view.failure?.message).toContain(words)
      expect(view.endpoints[0]).toMatchObject({ isUp: false })
    })

    test.each<EvmFault>([{ kind: 'hang' }, { kind: 'slow', bytes: 1, everyMs: 200 }])(
      'is given up after its time: $kind',
      async (fault) => {
        proxy.setFaults(fault)
        const endpoints = { urls: [proxy.url], chainId: CHAIN_ID, timeoutMs: 50 }
        const follower = createEvmFollower({ endpoints, world, log: SILENT })

        const view = await follower.look(signal)
        follower.stop()

        expect(view.failure).toMatchObject({ reason: 'timeout' })
        expect(view.failure?.message).toContain('(eth_chainId) gave no answer within 50 ms')
      },
    )

    test('and quotes its own URL shows no key of it', async () => {
      proxy.setFaults({ kind: 'status', status: 401, body: 'bad key a-very-long-secret-key or hunter2 at user' })

      const url = `${proxy.url.replace('//', '//user:hunter2@')}/v2/a-very-long-secret-key`
      const view = await follow(url).look(signal)

      expect(view.failure?.message).toContain('bad key <secret> or <secret> at <secret>')
    })

    test('is left alone for as long as it asks, but the last one never for more than 5 s', async () => {
      const follower = follow(proxy.url)
      proxy.setFaults({ kind: 'status', status: 429, headers: { 'retry-after': '3600' } })
      await follower.look(signal)
      const before = proxy.exchanges()

      world.skip(1_000)
      await follower.look(signal)
      expect(proxy.exchanges()).toBe(before)

      proxy.setFaults()
      world.skip(4_000)
      expect((await follower.look(signal)).head).toBeDefined()
    })

    test('is left alone for as long as it asks while another answers', async () => {
      const follower = follow(proxy.url, second.url)
      proxy.setFaults({ kind: 'status', status: 429, headers: { 'retry-after': '3600' } })
      await follower.look(signal)
      const before = proxy.exchanges()

      await lookAgain(follower)
      expect(proxy.exchanges()).toBe(before)

      proxy.setFaults()
      world.skip(3_600_000)
      await follower.look(signal)
      expect(proxy.exchanges()).toBeGreaterThan(before)
    })

    test('in one place is answered for by another', async () => {
      const mined = await emitter.emit()
      const follower = follow(proxy.url, second.url)
      await follower.look(signal)
      proxy.setFaults({ kind: 'status', status: 502 })

      const logs = await follower.logs(mined.number, mined.number, filter(), signal)
      const view = await lookAgain(follower)

      expect(logs.logs).toHaveLength(1)
      expect(view.head).toMatchObject(mined)
      expect(view.endpoints.map((one) => one.isUp)).toEqual([false, true])
    })

    test('in no place at all rejects with the reason', async () => {
      const follower = follow(proxy.url)
      await follower.look(signal)
      proxy.setFaults({ kind: 'status', status: 502 })

      expect(await failureOf(follower.logs(0, 1, filter(), signal))).toMatchObject({ reason: 'server-error' })
    })

    test('and turns into a node of another chain is refused', async () => {
      const follower = follow(proxy.url)
      await follower.look(signal)
      proxy.setFaults({ kind: 'reset' })
      await lookAgain(follower)
      proxy.setFaults({ kind: 'chain-id', chainId: 1 })

      expect((await lookAgain(follower)).failure).toMatchObject({ reason: 'wrong-chain' })
    })
  })

  describe('whose endpoints disagree', () => {
    test('has the head of the one that went on, and names the one that did not', async () => {
      const start = await mine(2)
      const follower = follow(proxy.url, second.url)
      await follower.look(signal)
      proxy.setFaults({ kind: 'stale-head', number: start.number })
      const head = await mine(10)

      const view = await lookAgain(follower)

      expect(view.head).toEqual(head)
      expect(view.endpoints[0]).toMatchObject({ lagBlocks: 10, headNumber: start.number })
      expect(view.endpoints[0]?.suspicion).toContain('10 blocks behind')
      expect(view.endpoints[1]?.suspicion).toBeUndefined()
    })

    test('never asks the one that lags for blocks beyond its head', async () => {
      const start = await mine(2)
      proxy.setFaults({ kind: 'stale-head', number: start.number })
      const mined = await emitter.emit()
      const follower = follow(proxy.url)

      const { toBlock } = await follower.logs(start.number, mined.number, filter(), signal)

      expect(toBlock).toBe(start.number)
    })

    test.each([2, 3])('does not believe one of %i that boasts', async (count) => {
      const follower = follow(...[proxy, second, third].slice(0, count).map((one) => one.url))
      await follower.look(signal)
      await mine(2)
      await lookAgain(follower)
      proxy.setFaults({ kind: 'boast', blocks: 100_000 })

      const view = await lookAgain(follower)

      expect(view.head?.number).toBe((await headOf(follow(anvil.url))).number)
      expect(view.endpoints[0]?.suspicion).toContain('it claims block')
    })

    test('does not believe the only one either, unless it can show what it boasts of', async () => {
      const follower = follow(proxy.url)
      await follower.look(signal)
      const before = await mine(2)
      await lookAgain(follower)
      proxy.setFaults({ kind: 'boast', blocks: 100_000 })
      expect((await lookAgain(follower)).head).toEqual(before)

      proxy.setFaults()
      const after = await mine(500)

      expect((await lookAgain(follower)).head).toEqual(after)
    })

    test('does not go back to where a lagging endpoint is', async () => {
      const follower = follow(proxy.url)
      const head = await mine(5)
      await follower.look(signal)
      proxy.setFaults({ kind: 'stale-head', number: head.number - 3 })

      const view = await lookAgain(follower)

      expect(view.head).toEqual(head)
      expect(view.endpoints[0]).toMatchObject({ lagBlocks: 3, headNumber: head.number - 3 })
    })
  })

  describe('that is reorganised', () => {
    test('shows the new block of the same height', async () => {
      await emitter.emit()
      const follower = follow(proxy.url, second.url)
      const old = await headOf(follower)
      await anvil.rpc('anvil_reorg', [1, []])

      const head = await headOf(follower)

      expect(head.number).toBe(old.number)
      expect(head.hash).not.toBe(old.hash)
      expect(await failureOf(follower.logsOfBlock(old, filter(), signal))).toMatchObject({ reason: 'unknown-block' })
    })

    test('goes back to a lower block only once another one proves it', async () => {
      const snapshot = await anvil.rpc('evm_snapshot')
      const follower = follow(proxy.url)
      const base = await headOf(follower)
      await anvil.rpc('anvil_mine', ['0x1', '0x1'])
      const middle = await headOf(follower)
      await anvil.rpc('anvil_mine', ['0x3', '0x1'])
      const old = await headOf(follower)
      expect([middle.number, old.number]).toEqual([base.number + 1, base.number + 4])

      await anvil.rpc('evm_revert', [snapshot])
      expect(await headOf(follower)).toEqual(old)

      await emitter.emit()
      const head = await headOf(follower)

      expect(head.number).toBe(middle.number)
      expect(head.hash).not.toBe(middle.hash)
    })

    test('from its beginning, as a development chain that was started afresh, is seen by its first block', async () => {
      const first = await startAnvil()
      await first.rpc('anvil_mine', ['0x10'])
      const follower = follow(first.url)
      await headOf(follower)
      await first.kill()
      const again = await startAnvil({ port: first.port, args: ['--timestamp', '1700000000'] })

      const head = await headOf(follower)
      await again.stop()

      expect(head.number).toBe(0)
    })
  })

  describe("whose block's logs are asked for", () => {
    test('has them, checked, with the time of the block', async () => {
      const follower = follow(proxy.url)
      const mined = await emitter.emit()
      const block = await headOf(follower)

      const logs = await follower.logsOfBlock(block, filter(), signal)

      expect(logs).toMatchObject([
        { address: emitter.address, topics: [EMITTED_TOPIC], blockNumber: mined.number, blockTimeMs: block.timeMs },
      ])
    })

    test('is not even asked where the bloom rules them out', async () => {
      const follower = follow(proxy.url)
      await emitter.emit()
      const block = await headOf(follower)
      const before = proxy.exchanges()

      const logs = await follower.logsOfBlock(block, { addresses: [`0x${'11'.repeat(20)}`], topics: undefined }, signal)

      expect([logs, proxy.exchanges()]).toEqual([[], before])
    })

    test('is not believed when it has none, while the receipts do', async () => {
      const follower = follow(proxy.url)
      const mined = await emitter.emit()
      const block = await headOf(follower)
      proxy.setFaults({ kind: 'no-logs', fromBlock: mined.number })

      expect(await follower.logsOfBlock(block, filter(), signal)).toHaveLength(1)
      expect((await lookAgain(follower)).endpoints[0]?.suspicion).toContain(
        `block ${mined.number} has no logs, and it has`,
      )
    })

    test('is asked elsewhere when it has none', async () => {
      const follower = follow(proxy.url, second.url)
      const mined = await emitter.emit()
      const block = await headOf(follower)
      const noReceipts: EvmFault = {
        kind: 'error',
        code: -32_601,
        message: 'Method not found',
        methods: ['eth_getBlockReceipts'],
      }
      proxy.setFaults(noReceipts, { kind: 'no-logs', fromBlock: mined.number })

      expect(await follower.logsOfBlock(block, filter(), signal)).toHaveLength(1)
    })

    test('fails when it has none, and nobody can prove it', async () => {
      const follower = follow(proxy.url)
      const mined = await emitter.emit()
      const block = await headOf(follower)
      const noReceipts: EvmFault = {
        kind: 'error',
        code: -32_601,
        message: 'Method not found',
        methods: ['eth_getBlockReceipts'],
      }
      proxy.setFaults(noReceipts, { kind: 'no-logs', fromBlock: mined.number })

      expect(await failureOf(follower.logsOfBlock(block, filter(), signal))).toMatchObject({
        reason: 'behind',
        retry: true,
      })
      proxy.setFaults(noReceipts)
      expect(await follower.logsOfBlock(block, filter(), signal)).toHaveLength(1)
    })

    test('is believed when it has none, where all logs of the block account for its bloom', async () => {
      const follower = follow(proxy.url)
      await emitter.emit()
      const block = await headOf(follower)
      proxy.setFaults({ kind: 'error', code: -32_601, message: 'Method not found', methods: ['eth_getBlockReceipts'] })
      // Both are in the bloom, but no log has them together: the topic is asked of another address of the block.
      const other = {
        addresses: [emitter.address],
        topics: [`0x${'00'.repeat(12)}${emitter.address.slice(2)}` as const],
      }

      expect(await follower.logsOfBlock(block, other, signal)).toEqual([])
    })
  })

  describe('whose logs are asked for by range', () => {
    test('has all of them, in order, as far as one answer goes', async () => {
      const from = await emitter.emit()
      await emitter.emit()
      const to = await emitter.emit()
      const follower = follow(proxy.url)

      const range = await follower.logs(from.number, to.number + 1_000, filter(), signal)

      expect(range.logs.map((log) => log.blockNumber)).toEqual([from.number, from.number + 1, to.number])
      expect([range.fromBlock, range.toBlock]).toEqual([from.number, to.number])
    })

    test('learns the limit of a provider from its words', async () => {
      const follower = follow(proxy.url)
      await anvil.rpc('anvil_mine', ['0x40'])
      const head = await headOf(follower)
      proxy.setFaults({ kind: 'range', maxBlocks: 10, code: -32_005, message: 'eth_getLogs is limited to a 10 range' })

      const first = await follower.logs(0, head.number, filter(), signal)
      const refused = proxy.exchanges()
      const next = await follower.logs(first.toBlock + 1, head.number, filter(), signal)

      expect([first.toBlock, next.toBlock]).toEqual([9, 19])
      expect(proxy.exchanges()).toBe(refused + 1)
    })

    test('makes the range smaller until the answer fits', async () => {
      const follower = follow(proxy.url)
      const head = await headOf(follower)
      proxy.setFaults({ kind: 'range', maxBlocks: 3, code: -32_000, message: 'query returned more than 10000 results' })

      const { toBlock } = await follower.logs(0, head.number, filter(), signal)

      expect(toBlock).toBeLessThan(3)
    })

    test('fails where even one block is too much', async () => {
      const follower = follow(proxy.url)
      await follower.look(signal)
      proxy.setFaults({ kind: 'range', maxBlocks: 0, code: -32_000, message: 'block range is too wide' })

      expect(await failureOf(follower.logs(0, 5, filter(), signal))).toMatchObject({ reason: 'range-too-large' })
    })

    test('refuses an answer with logs that were not asked for', async () => {
      const mined = await emitter.emit()
      const follower = follow(proxy.url)
      const stray = { addresses: [`0x${'11'.repeat(20)}` as const], topics: undefined }
      const [log] = (await follower.logs(mined.number, mined.number, filter(), signal)).logs
      const raw = {
        ...log,
        blockNumber: quantity(mined.number),
        transactionIndex: '0x0',
        logIndex: '0x0',
      }
      proxy.setFaults({ kind: 'result', result: [raw], methods: ['eth_getLogs'] })

      const failure = await failureOf(follower.logs(mined.number, mined.number, stray, signal))

      expect(failure).toMatchObject({ reason: 'malformed' })
      expect(failure.message).toContain(`a log of ${emitter.address}, which was not asked for`)
    })
  })

  describe('whose view functions are called', () => {
    test.each<readonly EvmFault[]>([[], [{ kind: 'no-batch' }]])(
      'tells values, unsupported and failed apart',
      async (...faults) => {
        const follower = follow(proxy.url)
        const block = await headOf(follower)
        proxy.setFaults(...faults)
        const calls = [ANSWERS_42, REVERTS, RETURNS_NOTHING, REVERTS_PAUSED].map((data) => ({
          to: emitter.address,
          data,
        }))

        const results = await follower.calls(calls, block, signal)

        expect(results).toEqual([
          { kind: 'value', data: `0x${'2a'.padStart(64, '0')}` },
          { kind: 'unsupported', detail: 'it reverts without a reason, as a contract without this function does' },
          { kind: 'unsupported', detail: 'it returns nothing' },
          { kind: 'failed', reason: 'reverted', detail: 'it reverts: paused' },
        ])
      },
    )

    test('answers for the block that was asked for, or not at all', async () => {
      const follower = follow(proxy.url)
      const old = await headOf(follower)
      await anvil.rpc('anvil_reorg', [1, []])
      await headOf(follower)

      const calls = [{ to: emitter.address, data: ANSWERS_42 }]
      expect(await failureOf(follower.calls(calls, old, signal))).toMatchObject({ reason: 'unknown-block' })
    })

    test('knows where there is code', async () => {
      const follower = follow(proxy.url)
      const block = await headOf(follower)

      expect(await follower.hasCode(emitter.address, block, signal)).toBe(true)
      expect(await follower.hasCode(`0x${'11'.repeat(20)}`, block, signal)).toBe(false)
    })
  })

  describe('over a WebSocket', () => {
    test('gives a hint for a new block, and again after the socket broke', async () => {
      const follower = follow(proxy.webSocketUrl)
      await follower.look(signal)
      let hints = 0
      const cancel = follower.onHint(() => {
        hints += 1
      })
      // A subscription is not there at once: blocks are mined until one is heard of.
      const mineUntilHeard = async () => {
        const before = hints
        for (;;) {
          await anvil.rpc('anvil_mine', ['0x1'])
          if (hints > before) return
        }
      }

      await mineUntilHeard()
      proxy.breakSockets()
      await mineUntilHeard()
      cancel()

      expect((await follower.look(signal)).head).toBeDefined()
    })
  })

  describe('when it is probed', () => {
    test('tells what each endpoint can do', async () => {
      second.setFaults({ kind: 'error', code: -32_601, message: 'Method not found', methods: ['eth_getBlockReceipts'] })
      third.setFaults({ kind: 'status', status: 401 })

      const lines = await follow(proxy.url, second.url, third.url).probe(signal)

      const told = (url: string) =>
        lines
          .filter(({ what }) => what.startsWith(`${new URL(url).host}: `))
          .map(({ what, ok }) => [what.split(': ')[1], ok])
      expect(told(proxy.url)).toEqual([
        ['answers', true],
        ['batches', true],
        ['finalized blocks', true],
        ['logs by block hash', true],
        ['block receipts', true],
      ])
      expect(told(second.url)).toContainEqual(['block receipts', false])
      expect(told(third.url)).toEqual([['answers', false]])
    })
  })

  describe('shared in a pool', () => {
    test('is one follower for equal endpoints, until the last one lets go', async () => {
      const pool = createEvmPool(world, SILENT)
      const endpoints = { urls: [proxy.url], chainId: CHAIN_ID, timeoutMs: 2_000 }
      const [one, two] = [pool.follower(endpoints), pool.follower({ ...endpoints })]
      await one.look(signal)
      const before = proxy.exchanges()

      await two.look(signal)
      expect(proxy.exchanges()).toBe(before)

      one.stop()
      one.stop()
      world.skip(1_000)
      expect((await two.look(signal)).head).toBeDefined()
      two.stop()
      expect(proxy.exchanges()).toBeGreaterThan(before)
      pool.stop()
    })
  })
})
