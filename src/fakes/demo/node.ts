import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'

import { z } from 'zod'

import { OutsideError } from '../../lib/errors.ts'
import { request } from '../../lib/http.ts'
import type { World } from '../../lib/world.ts'

/** A real EVM node that belongs to a demonstration. */
export interface DemoNode {
  readonly url: string
  rpc(method: string, params: readonly unknown[]): Promise<unknown>
  /** Ends the node by its own process id. */
  stop(): Promise<void>
}

const TIMEOUT_MS = 5_000
const ANSWER_BYTES_MAX = 10_000_000

const answerSchema = z.object({ result: z.unknown() })

/**
 * Starts anvil on a port of its own choice, with a block each second.
 *
 * @throws OutsideError `local` when this machine has no anvil
 */
export async function startDemoNode(world: World): Promise<DemoNode> {
  const child = spawn(findAnvil(), ['--host', '127.0.0.1', '--port', '0', '--block-time', '1'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const ended = once(child, 'exit')
  const url = `http://${await listeningAddress(child)}`
  return {
    url,
    rpc: async (method, params) => ask(world, url, method, params),
    async stop() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
      await ended
    },
  }
}

/** The binary itself: the package's launcher would be a parent whose end leaves the node running. */
function findAnvil(): string {
  try {
    const file = createRequire(import.meta.url).resolve('@foundry-rs/anvil-linux-amd64/bin/anvil')
    if (existsSync(file)) return file
  } catch {
    // Said below: the package is optional, and there is one for Linux on x86-64 only.
  }
  throw new OutsideError('local', 'The demonstration needs anvil, which npm installs on Linux on x86-64 only.', {
    retry: false,
  })
}

/** Anvil says `Listening on 127.0.0.1:12345` when it answers. */
async function listeningAddress(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = ''
    child.stdout?.on('data', (chunk: Buffer) => {
      if (said.length < ANSWER_BYTES_MAX) said += chunk.toString()
      const address = /Listening on (\S+)/.exec(said)?.[1]
      if (address !== undefined) resolve(address)
    })
    child.once('error', reject)
    child.once('exit', () => reject(new OutsideError('local', 'anvil ended before it listened', { retry: false })))
  })
}

async function ask(world: World, url: string, method: string, params: readonly unknown[]): Promise<unknown> {
  const answer = await request(world, {
    url,
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
    timeoutMs: TIMEOUT_MS,
    maxBytes: ANSWER_BYTES_MAX,
    name: 'the node of the demonstration',
  })
  const parsed = answerSchema.safeParse(JSON.parse(answer.body))
  if (parsed.success) return parsed.data.result
  throw new OutsideError('rejected', `the node refused ${method}: ${answer.body.slice(0, 200)}`, { retry: false })
}
