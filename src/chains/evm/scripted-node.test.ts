import { encodeFunctionResult, parseAbi } from 'viem/utils'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'

import { createVirtualWorld, type VirtualWorld } from '../../../test/support/virtual-world.ts'
import { OutsideError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import { createEvmFollower } from './follower.ts'
import type { EvmBlock, EvmFollower, Hex } from './index.ts'

const SILENT: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, child: () => SILENT }
const { signal } = new AbortController()

/** Says no to a question. */
class Refusal extends Error {
  readonly code: number

  constructor(code: number, message: string) {
    super(message)
    this.code = code
  }
}

type Answer = (...params: readonly unknown[]) => unknown
type Node = Record<string, Answer>

const questionSchema = z.object({ id: z.number(), method: z.string(), params: z.array(z.unknown()) })
const filterSchema = z.object({
  fromBlock: z.string().default('0x0'),
  address: z.array(z.string()).default([]),
  topics: z.tuple([z.array(z.string())]).optional(),
})
const pinSchema = z.union([z.string(), z.object({ blockHash: z.string() })])
const callSchema = z.object({ to: z.string(), data: z.string() })

function word(value: number | string): Hex {
  return `0x${(typeof value === 'number' ? value.toString(16) : value).padStart(64, '0')}`
}

function hex(value: number): Hex {
  return `0x${value.toString(16)}`
}

function rawBlock(number: number, branch = 'a') {
  return {
    number: hex(number),
    hash: word(`${branch}${number}`),
    parentHash: word(`${branch}${number - 1}`),
    timestamp: hex(1_700_000_000 + number),
    logsBloom: `0x${'0'.repeat(512)}`,
  }
}

function rawLog(number: number, index: number, address: Hex, topic: Hex) {
  return {
    address,
    topics: [topic],
    data: '0x',
    blockNumber: hex(number),
    blockHash: rawBlock(number).hash,
    transactionHash: word(number * 1000 + index),
    transactionIndex: hex(index),
    logIndex: hex(index),
  }
}

function blockOf(number: number): EvmBlock {
  const { hash, parentHash } = rawBlock(number)
  return { number, hash, parentHash, timeMs: 0, logsBloom: '0x' }
}

/** A node with a chain of a hundred blocks and no more opinions. */
function plainNode(more: Node = {}): Node {
  return {
    eth_chainId: () => '0x1',
    eth_getBlockByNumber: (at) => rawBlock(at === 'latest' ? 100 : at === 'finalized' ? 36 : Number(at)),
    eth_getCode: () => '0x',
    ...more,
  }
}

function headAt(number: number): Node {
  return plainNode({ eth_getBlockByNumber: () => rawBlock(number) })
}

/** A node whose finalized block is told by `number`. */
function finalAt(number: () => number): Node {
  const heightOf = (tag: unknown) => (tag === 'latest' ? 100 : tag === 'finalized' ? number() : Number(tag))
  return plainNode({ eth_getBlockByNumber: (tag) => rawBlock(heightOf(tag)) })
}

function numbersOnly(branch: () => string): Node {
  return plainNode({
    eth_getBlockByNumber: (at) => rawBlock(at === 'latest' ? 100 : Number(at), branch()),
    eth_call: (_, raw) => {
      const pin = pinSchema.parse(raw)
      if (typeof pin === 'object') throw new Refusal(-32_602, 'cannot unmarshal object into string')
      return word(Number(pin))
    },
  })
}

function newHead(number: number): string {
  const params = { subscription: '0x1', result: { number: hex(number) } }
  return JSON.stringify({ jsonrpc: '2.0', method: 'eth_subscription', params })
}

async function serve(node: Node, request: Request): Promise<Response> {
  const body = z.union([questionSchema, z.array(questionSchema)]).parse(await request.json())
  if (!Array.isArray(body)) return Response.json(await reply(node, body))
  const refusal = await settle(() => node['batch']?.(body.length))
  if (refusal instanceof Refusal) return Response.json(failed(null, refusal))
  return Response.json(await Promise.all(body.map(async (question) => reply(node, question))))
}

async function reply(node: Node, { id, method, params }: z.output<typeof questionSchema>): Promise<object> {
  const answer = node[method]
  if (answer === undefined) return failed(id, new Refusal(-32_601, 'the method does not exist'))
  const result = await settle(() => answer(...params))
  return result instanceof Refusal ? failed(id, result) : { jsonrpc: '2.0', id, result }
}

async function settle(work: () => unknown): Promise<unknown> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof Refusal) return error
    throw error
  }
}

function failed(id: number | null, { code, message }: Refusal): object {
  return { jsonrpc: '2.0', id, error: { code, message } }
}

async function outcome<T>(world: VirtualWorld, work: Promise<T>): Promise<T | OutsideError> {
  let result: { readonly value: T | OutsideError } | undefined
  work.then(
    (value) => {
      result = { value }
      return undefined
    },
    (error: unknown) => {
      if (!(error instanceof OutsideError)) throw error
      result = { value: error }
    },
  )
  await world.runUntil(() => result !== undefined)
  if (result === undefined) throw new Error('nothing came of it')
  return result.value
}

describe('a chain behind scripted nodes', () => {
  let world: VirtualWorld
  let follower: EvmFollower | undefined

  beforeEach(() => {
    world = createVirtualWorld({ seed: 1 })
  })

  afterEach(() => follower?.stop())

  function follow(nodes: readonly Node[], urls = nodes.map((_, index) => `http://node${index}:8545`)): EvmFollower {
    world.onFetch(async (request) => {
      const node = nodes[urls.findIndex((url) => new URL(url).host === new URL(request.url).host)]
      if (node === undefined) throw new Error(`nobody lives at ${request.url}`)
      return serve(node, request)
    })
    follower = createEvmFollower({ endpoints: { urls, chainId: 1, timeoutMs: 5_000 }, world, log: SILENT })
    return follower
  }

  async function resultOf<T>(work: Promise<T>): Promise<T> {
    const value = await outcome(world, work)
    if (value instanceof OutsideError) throw value
    return value
  }

  async function failureOf(work: Promise<unknown>): Promise<OutsideError> {
    const value = await outcome(world, work)
    if (value instanceof OutsideError) return value
    throw new Error(`it did not fail, and gave ${JSON.stringify(value)}`)
  }

  /** When a dead node was asked, over an hour of looks every second. */
  async function askedAt(...others: readonly Node[]): Promise<readonly number[]> {
    const times: number[] = []
    const dead: Node = {
      eth_chainId: () => {
        times.push(world.monotonic())
        throw new Refusal(429, 'too many requests')
      },
    }
    const subject = follow([dead, ...others])
    for (let second = 0; second < 3_600; second++) {
      await resultOf(subject.look(signal))
      await world.advance(1_000)
    }
    return times
  }

  function socketFollower(): EvmFollower {
    const endpoints = { urls: ['ws://node:8546'], chainId: 1, timeoutMs: 5_000 }
    follower = createEvmFollower({ endpoints, world, log: SILENT })
    return follower
  }

  describe('that find one block too much', () => {
    const addresses = [1, 2, 3, 4].map((seed): Hex => `0x${String(seed).repeat(40)}`)
    const topics = [7, 8].map((seed) => word(String(seed).repeat(64)))
    const asked: string[] = []

    function pickyNode(addressesMax: number, topicsMax: number, more?: (address: readonly string[]) => void): Node {
      asked.length = 0
      return plainNode({
        eth_getLogs: (raw) => {
          const filter = filterSchema.parse(raw)
          const [wanted] = filter.topics ?? [[]]
          more?.(filter.address)
          if (filter.address.length > addressesMax || wanted.length > topicsMax) {
            throw new Refusal(-32_005, 'query returned more than 10000 results')
          }
          asked.push(`${filter.address.length}x${wanted.length}`)
          return addresses.flatMap((address, index) =>
            topics
              .map((topic, place) => rawLog(5, index * 2 + place, address, topic))
              .filter((log) => filter.address.includes(address) && log.topics.every((topic) => wanted.includes(topic))),
          )
        },
      })
    }

    test('are asked for fewer addresses, then for fewer topics', async () => {
      const range = await resultOf(follow([pickyNode(1, 1)]).logs(5, 5, { addresses, topics }, signal))

      expect(range.logs.map((log) => log.logIndex)).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
      expect(asked).toEqual(Array.from({ length: 8 }, () => '1x1'))
    })

    test('fail as a whole when one piece fails', async () => {
      const node = pickyNode(1, 2, (address) => {
        if (address.length === 1 && address[0] === addresses[3]) throw new Refusal(-32_000, 'disk on fire')
      })

      const failure = await failureOf(follow([node]).logs(5, 5, { addresses, topics }, signal))

      expect(failure).toMatchObject({ reason: 'server-error' })
    })

    test('are asked for at most a hundred addresses at once', async () => {
      const many = Array.from({ length: 250 }, (_, index): Hex => `0x${index.toString(16).padStart(40, '0')}`)

      await resultOf(follow([pickyNode(1_000, 2)]).logs(5, 5, { addresses: many, topics }, signal))

      expect(asked).toEqual(['100x2', '100x2', '50x2'])
    })

    test('are asked for each address once, in lower case', async () => {
      const twice: readonly Hex[] = [`0x${'A'.repeat(40)}`, `0x${'a'.repeat(40)}`]

      await resultOf(follow([pickyNode(1, 2)]).logs(5, 5, { addresses: twice, topics }, signal))

      expect(asked).toEqual(['1x2'])
    })
  })

  describe('that do not take block hashes', () => {
    const calls = [{ to: `0x${'11'.repeat(20)}` as const, data: '0x01' as const }]

    test('are asked by number, and not with a hash again', async () => {
      const subject = follow([numbersOnly(() => 'a')])

      const first = await resultOf(subject.calls(calls, blockOf(50), signal))
      const second = await resultOf(subject.calls(calls, blockOf(51), signal))

      expect([first, second]).toEqual([[{ kind: 'value', data: word(50) }], [{ kind: 'value', data: word(51) }]])
    })

    test('are not believed when the number means another block by now', async () => {
      let branch = 'a'
      const subject = follow([numbersOnly(() => branch)])
      await resultOf(subject.look(signal))
      branch = 'b'

      expect(await failureOf(subject.calls(calls, blockOf(50), signal))).toMatchObject({ reason: 'unknown-block' })
    })
  })

  describe('with a multicall contract', () => {
    const target: Hex = `0x${'11'.repeat(20)}`
    const multicallAbi = parseAbi([
      'function aggregate3((address target, bool allowFailure, bytes callData)[] calls) payable returns ((bool success, bytes returnData)[] returnData)',
    ])
    const calls = ['0x01', '0x02', '0x03', '0x04'].map(
      (data) => ({ to: target, data: data === '0x01' ? data : '0x02' }) as const,
    )
    const paused: Hex = `0x08c379a0${word(32).slice(2)}${word(6).slice(2)}${Buffer.from('paused').toString('hex').padEnd(64, '0')}`
    const results = [
      { success: true, returnData: word(42) },
      { success: false, returnData: '0x' as const },
      { success: true, returnData: '0x' as const },
      { success: false, returnData: paused },
    ]

    test('are asked for all functions in one call', async () => {
      let callsMade = 0
      const node = plainNode({
        eth_getCode: () => '0x6001',
        eth_call: () => {
          callsMade += 1
          return encodeFunctionResult({ abi: multicallAbi, result: results })
        },
      })

      const answers = await resultOf(follow([node]).calls(calls, blockOf(50), signal))

      expect(callsMade).toBe(1)
      expect(answers.map((answer) => (answer.kind === 'value' ? answer.data : answer.detail))).toEqual([
        word(42),
        'it reverts without a reason, as a contract without this function does',
        'it returns nothing',
        'it reverts: paused',
      ])
    })

    test('are asked one by one where it cannot take them', async () => {
      const node = plainNode({
        eth_getCode: () => '0x6001',
        eth_call: (raw) => {
          if (callSchema.parse(raw).to !== target) throw new Refusal(-32_000, 'execution reverted: out of gas')
          return word(7)
        },
      })

      const answers = await resultOf(follow([node]).calls(calls, blockOf(50), signal))

      expect(answers).toEqual(calls.map(() => ({ kind: 'value', data: word(7) })))
    })
  })

  describe('that take small batches only', () => {
    test('are asked in batches as large as they take', async () => {
      const sizes: number[] = []
      const node = plainNode({
        batch: (size) => {
          sizes.push(Number(size))
          if (Number(size) > 5) throw new Refusal(-32_600, 'batch too large')
        },
      })
      const subject = follow([node])

      const blocks = await resultOf(subject.blocks(1, 20, signal))
      const learned = sizes.length
      await resultOf(subject.blocks(1, 20, signal))

      expect(blocks.map((block) => block.number)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1))
      expect(sizes.slice(learned)).toEqual([5, 5, 5, 5])
    })

    test('are not blamed when one answer of a batch fails', async () => {
      const node = plainNode({
        eth_getBlockByNumber: (at) => {
          if (at === hex(7)) throw new Refusal(-32_000, 'disk on fire')
          return rawBlock(at === 'latest' ? 100 : Number(at))
        },
      })

      const failure = await failureOf(follow([node]).blocks(1, 20, signal))

      expect(failure).toMatchObject({ reason: 'server-error' })
      expect(failure.message).toContain('disk on fire')
    })
  })

  describe('of which some hang', () => {
    const hanging: Node = { eth_chainId: async () => new Promise(() => undefined) }

    test('cost a look no more than a short grace, after the first', async () => {
      const sometimes = plainNode()
      const subject = follow([plainNode(), plainNode(), sometimes])
      await resultOf(subject.look(signal))
      sometimes['eth_getBlockByNumber'] = async () => new Promise(() => undefined)
      await world.advance(1_000)
      const startedAt = world.monotonic()

      const view = await resultOf(subject.look(signal))

      expect(world.monotonic() - startedAt).toBeLessThanOrEqual(200)
      expect(view.head?.number).toBe(100)
    })

    test('are failed over from once, and are not waited for by the next question', async () => {
      const subject = follow([hanging, plainNode({ eth_getLogs: () => [] })])

      await resultOf(subject.logs(0, 5, { addresses: [], topics: undefined }, signal))
      const startedAt = world.monotonic()
      await resultOf(subject.logs(0, 5, { addresses: [], topics: undefined }, signal))

      expect(world.monotonic() - startedAt).toBe(0)
    })
  })

  describe('of which one is down', () => {
    test('ask it at least every 5 s while it is the only one', async () => {
      const times = await askedAt()

      const gaps = times.map((time, index) => time - (times[index - 1] ?? 0))
      expect(Math.max(...gaps)).toBeLessThanOrEqual(5_000)
      expect(times.length).toBeLessThan(3_600)
    })

    test('ask it about once a minute while another answers', async () => {
      const times = await askedAt(plainNode())

      expect(times.length).toBeGreaterThan(45)
      expect(times.length).toBeLessThan(90)
    })
  })

  test('have one voice for each host: the two sides of a node do not outvote another node', async () => {
    const urls = ['http://node0:8545/one', 'http://node0:8545/two', 'http://node1:8545', 'http://node2:8545']
    const subject = follow([headAt(50), headAt(50), headAt(100), headAt(100)], urls)

    const view = await resultOf(subject.look(signal))

    expect(view.head?.number).toBe(100)
    expect(view.endpoints.map((one) => one.name)).toEqual(['node0:8545', 'node0:8545#2', 'node1:8545', 'node2:8545'])
  })

  test('are asked for their chain again after a quarter of a minute, and not each time', async () => {
    const node = plainNode()
    const subject = follow([node])
    await resultOf(subject.look(signal))
    node['eth_chainId'] = () => '0x5'
    await world.advance(14_000)
    expect((await resultOf(subject.look(signal))).head).toBeDefined()

    await world.advance(2_000)

    expect((await resultOf(subject.look(signal))).failure).toMatchObject({ reason: 'wrong-chain' })
  })

  test('are asked for their chain at once when a head does not continue the one before', async () => {
    let number = 100
    const node = headAt(0)
    node['eth_getBlockByNumber'] = () => rawBlock(number, number > 101 ? 'b' : 'a')
    const subject = follow([node])
    await resultOf(subject.look(signal))
    node['eth_chainId'] = () => '0x5'
    number = 101
    await world.advance(1_000)
    expect((await resultOf(subject.look(signal))).head?.number).toBe(101)

    number = 3_000
    await world.advance(1_000)

    expect((await resultOf(subject.look(signal))).failure).toMatchObject({ reason: 'wrong-chain' })
  })

  test('have a head that is lower than before only when nobody has shown the old one for a minute', async () => {
    let latest = 100
    const heightOf = (tag: unknown) => (tag === 'latest' ? latest : Number(tag))
    const node = plainNode({
      eth_getBlockByNumber: (tag) => (tag === 'finalized' || heightOf(tag) > latest ? null : rawBlock(heightOf(tag))),
    })
    const subject = follow([node])
    await resultOf(subject.look(signal))
    latest = 90
    await world.advance(50_000)
    expect((await resultOf(subject.look(signal))).head?.number).toBe(100)

    await world.advance(20_000)

    expect((await resultOf(subject.look(signal))).head?.number).toBe(90)
  })

  test('have the lowest of their finalized blocks, which never goes back', async () => {
    let finalized = 90
    const subject = follow([finalAt(() => finalized), finalAt(() => 64)])
    expect((await resultOf(subject.look(signal))).finalized).toBe(64)

    finalized = 20
    await world.advance(10_000)

    expect((await resultOf(subject.look(signal))).finalized).toBe(64)
  })

  test('whose blooms never fit their logs are believed after ten minutes, and not before', async () => {
    const topic = word('77')
    const address: Hex = `0x${'11'.repeat(20)}`
    // Every bit but one: it promises everything, and no log accounts for it.
    const strange = { ...blockOf(50), logsBloom: `0x7${'f'.repeat(511)}` as const }
    const subject = follow([plainNode({ eth_getLogs: () => [], eth_getBlockReceipts: () => [] })])
    const read = async () =>
      outcome(world, subject.logsOfBlock(strange, { addresses: [address], topics: [topic] }, signal))

    expect(await read()).toMatchObject({ reason: 'behind', retry: true })
    await world.advance(590_000)
    expect(await read()).toMatchObject({ reason: 'behind' })
    await world.advance(20_000)

    expect(await read()).toEqual([])
  })

  describe('over WebSockets only', () => {
    interface Opened {
      readonly at: number
      say(text: string): void
      close(): void
    }

    /** Sockets as they are opened; each question is answered by the node, if there is one. */
    function listen(node: Node | undefined): readonly Opened[] {
      const opened: Opened[] = []
      world.onWebSocket((socket) => {
        opened.push({ at: world.monotonic(), say: (text) => socket.send(text), close: () => socket.close() })
        socket.onMessage((text) => {
          if (node === undefined) return
          const question = questionSchema.parse(JSON.parse(text))
          void reply(node, question).then((answer) => socket.send(JSON.stringify(answer)))
        })
        socket.open()
      })
      return opened
    }

    test('are asked over the socket where HTTP does not answer', async () => {
      listen(plainNode())

      const view = await resultOf(socketFollower().look(signal))

      expect(view.head?.number).toBe(100)
    })

    test('are given up after the timeout, and connected to anew', async () => {
      const opened = listen(undefined)
      const subject = socketFollower()

      expect((await resultOf(subject.look(signal))).failure).toMatchObject({ reason: 'timeout' })
      listen(plainNode())
      await world.advance(10_000)

      expect((await resultOf(subject.look(signal))).head).toBeDefined()
      expect(opened).toHaveLength(1)
    })

    test('fail as unreachable when the socket closes under a question', async () => {
      const opened = listen(undefined)
      const look = socketFollower().look(signal)
      await world.advance(0)
      for (const socket of opened) socket.close()

      expect((await resultOf(look)).failure).toMatchObject({ reason: 'unreachable' })
    })

    test('are opened again when they fall silent, and as often as it takes', async () => {
      const opened = listen(undefined)
      const cancel = socketFollower().onHint(() => {})
      await world.advance(600_000)

      const pauses = opened.map((socket, index) => socket.at - (opened[index - 1]?.at ?? socket.at)).slice(1)
      expect(pauses.length).toBeGreaterThan(10)
      expect(Math.min(...pauses)).toBeGreaterThanOrEqual(10_000)
      expect(Math.max(...pauses)).toBeLessThanOrEqual(40_000)

      cancel()
      const before = opened.length
      await world.advance(600_000)
      expect(opened).toHaveLength(before)
    })

    test('stay open while they speak', async () => {
      const opened = listen(undefined)
      let hints = 0
      socketFollower().onHint(() => {
        hints += 1
      })
      await world.advance(0)
      for (let number = 1; number <= 100; number++) {
        opened.at(-1)?.say(newHead(number))
        await world.advance(9_000)
      }

      expect(opened).toHaveLength(1)
      expect(hints).toBeGreaterThanOrEqual(100)
    })

    test('give the hint again while looking does not show the block', async () => {
      const opened = listen(undefined)
      const node = plainNode()
      let subject: EvmFollower | undefined
      const heads: (number | undefined)[] = []
      world.onFetch(async (request) => serve(node, request))
      const endpoints = { urls: ['ws://node:8546'], chainId: 1, timeoutMs: 5_000 }
      subject = createEvmFollower({ endpoints, world, log: SILENT })
      follower = subject
      await resultOf(subject.look(signal))
      subject.onHint(() => {
        void subject.look(signal).then((view) => heads.push(view.head?.number))
      })
      await world.advance(0)

      opened.at(-1)?.say(newHead(101))
      await world.advance(200)
      node['eth_getBlockByNumber'] = (at) => rawBlock(at === 'latest' ? 101 : Number(at))
      await world.advance(2_000)

      expect(heads).toEqual([100, 100, 101])
    })
  })
})
