import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

import { ROOT } from '../tidy/sources.ts'
import { freePort } from './free-port.ts'

/** A real EVM node of this test's own. */
export interface Anvil {
  readonly url: string
  readonly webSocketUrl: string
  readonly port: number
  /** Asks it anything, past whatever is under test. Rejects on an error answer. */
  rpc(method: string, params?: readonly unknown[]): Promise<unknown>
  /** Kills the node, as a power cut would. */
  kill(): Promise<void>
  stop(): Promise<void>
}

export interface AnvilOptions {
  /** Default: a free one. A second node on the port of a killed one is a restarted node. */
  readonly port?: number
  /** More of the command line, as `--block-time 1`. */
  readonly args?: readonly string[]
}

// The binary itself: the package's launcher would be a parent whose end leaves the node running.
const BINARY = join(ROOT, 'node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil')

/** Anvil comes as an optional dependency for Linux on x86-64 only. */
export const HAS_ANVIL = existsSync(BINARY)

/** Starts anvil on loopback, without its own clock: blocks are mined by transactions and by `anvil_mine`. */
export async function startAnvil(options: AnvilOptions = {}): Promise<Anvil> {
  const port = options.port ?? (await freePort())
  const child = spawn(BINARY, ['--host', '127.0.0.1', '--port', String(port), ...(options.args ?? [])], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = once(child, 'exit')
  await listening(child)
  const url = `http://127.0.0.1:${port}`

  async function end(signal: NodeJS.Signals): Promise<void> {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal)
    await ended
  }

  return {
    url,
    webSocketUrl: `ws://127.0.0.1:${port}`,
    port,
    rpc: async (method, params = []) => ask(url, method, params),
    kill: async () => end('SIGKILL'),
    stop: async () => end('SIGTERM'),
  }
}

/** Anvil says `Listening on` when it answers. */
async function listening(child: ChildProcess): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    let said = ''
    const hear = (chunk: Buffer) => {
      if (said.includes('Listening on')) return
      said += chunk.toString()
      if (said.includes('Listening on')) resolve()
    }
    // Both streams are read to the end, so that a full pipe never stops the node.
    child.stdout?.on('data', hear)
    child.stderr?.on('data', hear)
    child.once('error', reject)
    child.once('exit', () => reject(new Error(`anvil ended before it listened: ${said}`)))
  })
}

async function ask(url: string, method: string, params: readonly unknown[]): Promise<unknown> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  })
  const answer: unknown = await response.json()
  if (typeof answer === 'object' && answer !== null && 'result' in answer) return answer.result
  throw new Error(`anvil refused ${method}: ${JSON.stringify(answer)}`)
}
