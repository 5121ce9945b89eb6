import { describe, expect, test } from 'vitest'

import type { FailureReason } from '../../lib/errors.ts'
import { type RpcQuestion, sortRpcError } from './rpc-errors.ts'

const logs: RpcQuestion = { method: 'eth_getLogs', params: [] }
const logsByHash: RpcQuestion = { method: 'eth_getLogs', params: [], isByHash: true }
const call: RpcQuestion = { method: 'eth_call', params: [] }
const block: RpcQuestion = { method: 'eth_getBlockByNumber', params: [] }

describe('an error of a node', () => {
  test.each<readonly [FailureReason, RpcQuestion, number, string]>([
    ['unsupported', block, -32601, 'the method eth_foo does not exist/is not available'],
    ['unsupported', block, -32000, 'method eth_foo is not whitelisted'],
    ['unsupported', block, -32004, 'nope'],
    ['reverted', call, 3, 'execution reverted: Pausable: paused'],
    ['reverted', call, -32000, 'execution reverted'],
    ['reverted', call, -32015, 'VM execution error.'],
    ['reverted', call, -32000, 'invalid opcode: opcode 0xfe not defined'],
    ['behind', logs, -32000, 'block range extends beyond current head block'],
    ['behind', logs, -32602, 'requested block range 100-200 is beyond latest executed block'],
    [
      'behind',
      logs,
      -32000,
      'One of the blocks specified in filter (fromBlock, toBlock or blockHash) cannot be found.',
    ],
    ['behind', logs, -32000, 'header not found'],
    ['unknown-block', logsByHash, -32000, 'unknown block'],
    ['unknown-block', logsByHash, -32000, 'header not found'],
    ['unknown-block', { ...call, isByHash: true }, -32001, 'Resource not found'],
    ['behind', call, -32001, 'Resource not found'],
    ['range-too-large', logs, -32005, 'query returned more than 10000 results'],
    ['range-too-large', logs, -32005, 'limit exceeded'],
    ['range-too-large', logs, -32602, 'query exceeds max block range 100000'],
    ['range-too-large', logs, -32000, 'no backend is currently healthy to serve traffic'],
    ['server-error', block, -32000, 'no backend is currently healthy to serve traffic'],
    ['rate-limited', block, 429, 'slow down'],
    ['rate-limited', block, -32005, 'daily request count exceeded, request rate limited'],
    ['rate-limited', logs, -32000, 'Your app has exceeded its compute units per second capacity'],
    ['auth', block, -32000, 'Unauthorized: invalid api key'],
    ['auth', block, -32600, 'Must be authenticated!'],
    ['not-found', call, -32000, 'missing trie node 0xabc (path )'],
    ['timeout', call, -32000, 'context deadline exceeded'],
    ['rejected', block, -32602, 'invalid argument 0: hex string without 0x prefix'],
    ['server-error', block, -32603, 'internal error'],
    ['server-error', block, -32000, 'something else'],
  ])('is sorted as %s', (reason, question, code, message) => {
    const error = sortRpcError('node:8545', question, { code, message })

    expect(error.reason).toBe(reason)
    expect(error.message).toBe(`node:8545 answered ${question.method} with an error: ${message}`)
  })

  test('keeps its words short, and what a provider explains beside them', () => {
    const error = sortRpcError('node:8545', logs, {
      code: -32000,
      message: 'x'.repeat(5000),
      data: 'block range too large',
    })

    expect(error.message.length).toBeLessThan(400)
    expect(error.reason).toBe('range-too-large')
  })
})
