import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { env as environment } from 'node:process'

import { z } from 'zod'

import { type StatusAnswer, statusAnswer } from '../../src/api/contract/index.ts'
import { ROOT } from '../tidy/sources.ts'
import { eventually } from './eventually.ts'

const LAUNCHER = join(ROOT, 'bin/chainwarden')
const CONFIG_FILE = 'chainwarden.yaml'

/** How a process ended. */
export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** A line of the log, as it is written when nobody watches at a terminal. */
const logLineSchema = z.looseObject({
  timestamp: z.iso.datetime(),
  level: z.enum(['debug', 'info', 'warn', 'error']),
  message: z.string(),
  logger: z.string(),
})
export type LogLine = z.output<typeof logLineSchema>

const vectorSchema = z.object({
  data: z.object({
    result: z.array(
      z.object({ metric: z.record(z.string(), z.string()), value: z.tuple([z.number(), z.coerce.number()]) }),
    ),
  }),
})

export interface QueriedSeries {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** A real process, spawned as an operator would start it; killed when the test that has it ends. */
export interface Chainwarden extends AsyncDisposable {
  readonly url: string
  /** Ends it as a power cut would. */
  kill(): Promise<Ended>
  /** Asks it to end, and kills it when it has not within the time it is given. */
  stop(signal?: 'SIGTERM' | 'SIGINT'): Promise<Ended>
  /** Sends a signal it survives. */
  signal(signal: 'SIGHUP'): void
  /** Everything it has printed so far, both streams. */
  output(): string
  /** Its log so far. Throws on a line that is no log line. */
  log(): readonly LogLine[]
  /** An answer of the server. */
  get(path: string, init?: RequestInit): Promise<Response>
  metrics(accept?: string): Promise<string>
  query(expression: string): Promise<readonly QueriedSeries[]>
  /** The one value of an expression; undefined where it gives no series. */
  value(expression: string): Promise<number | undefined>
  status(): Promise<StatusAnswer>
}

export interface StartOptions {
  /** The folder of the configuration, and of what is stored. */
  readonly folder: string
  /** Where it will listen, as the configuration says. */
  readonly port: number
  /** chainwarden.yaml; without one it stands in the folder already, or is not needed. */
  readonly config?: string
  readonly env?: Readonly<Record<string, string>>
  /** Instead of `run --config FILE`. */
  readonly args?: readonly string[]
  /** Where plain HTTP on the port cannot tell. */
  readonly isReady?: () => Promise<boolean>
}

/** A folder of a test's own. */
export interface Folder extends Disposable {
  readonly path: string
  write(name: string, text: string): string
  remove(): void
}

export function createFolder(): Folder {
  const path = mkdtempSync(join(tmpdir(), 'chainwarden-test-'))
  const remove = () => rmSync(path, { recursive: true, force: true })
  return {
    path,
    write(name, text) {
      const file = join(path, name)
      writeFileSync(file, text)
      return file
    },
    remove,
    [Symbol.dispose]: remove,
  }
}

/** Starts a process and waits until it is ready. Rejects with what it printed when it ends before. */
export async function startChainwarden(options: StartOptions): Promise<Chainwarden> {
  const { folder, port, config } = options
  if (config !== undefined) writeFileSync(join(folder, CONFIG_FILE), config)
  const started = start(options.args ?? ['run', '--config', join(folder, CONFIG_FILE)], folder, options.env)
  const url = `http://127.0.0.1:${port}`
  const process = asRunning(started, url)
  await eventually('Chainwarden is ready', async () => {
    if (started.hasEnded()) return true
    return options.isReady?.() ?? (await fetch(`${url}/-/ready`)).status === 200
  })
  if (started.hasEnded()) throw new Error(`it ended before it was ready: ${JSON.stringify(await started.ended)}`)
  return process
}

/** Runs a command to its end; it is killed when that takes unreasonably long. */
export async function runChainwarden(
  args: readonly string[],
  options: { readonly folder: string; readonly env?: Readonly<Record<string, string>> },
): Promise<Ended> {
  return start(args, options.folder, options.env, COMMAND_MS_MAX).ended
}

/** A command that goes on until it is stopped. */
export function startCommand(
  args: readonly string[],
  folder: string,
): Pick<Chainwarden, 'stop' | 'output'> & AsyncDisposable {
  const started = start(args, folder)
  return {
    stop: async (signal = 'SIGTERM') => stop(started, signal),
    output: () => started.output(),
    [Symbol.asyncDispose]: async () => void (await end(started, 'SIGKILL')),
  }
}

const COMMAND_MS_MAX = 60_000
/** Five seconds are promised; on a machine that is busy with other tests a signal may come late. */
const STOP_MS_MAX = 6_000

interface Started {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
  hasEnded(): boolean
  stdout(): string
  output(): string
}

function start(
  args: readonly string[],
  folder: string,
  env: Readonly<Record<string, string>> = {},
  killAfterMs?: number,
): Started {
  const child = spawn(LAUNCHER, [...args], {
    cwd: folder,
    // Only what a process needs to start: what the developer has set must not reach a test.
    env: { PATH: environment['PATH'], HOME: folder, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: killAfterMs,
    killSignal: 'SIGKILL',
  })
  const printed = { stdout: '', stderr: '', both: '' }
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      printed[stream] += text
      printed.both += text
    })
  }
  const ended = once(child, 'close').then(() => ({
    code: child.exitCode,
    signal: child.signalCode,
    stdout: printed.stdout,
    stderr: printed.stderr,
  }))
  return {
    child,
    ended,
    hasEnded: () => child.exitCode !== null || child.signalCode !== null,
    stdout: () => printed.stdout,
    output: () => printed.both,
  }
}

function asRunning(started: Started, url: string): Chainwarden {
  const get = async (path: string, init?: RequestInit) => fetch(`${url}${path}`, init)

  async function query(expression: string): Promise<readonly QueriedSeries[]> {
    const answer = await get(`/api/v1/query?query=${encodeURIComponent(expression)}`)
    const { result } = vectorSchema.parse(await answer.json()).data
    return result.map(({ metric, value }) => ({ labels: metric, value: value[1] }))
  }

  return {
    url,
    kill: async () => end(started, 'SIGKILL'),
    stop: async (signal = 'SIGTERM') => stop(started, signal),
    signal: (signal) => void started.child.kill(signal),
    output: () => started.output(),
    log: () => parseLog(started.stdout()),
    get,
    async metrics(accept = 'text/plain') {
      return (await get('/metrics', { headers: { accept } })).text()
    },
    query,
    async value(expression) {
      const series = await query(expression)
      if (series.length > 1) throw new Error(`${expression} gives ${series.length} series`)
      return series[0]?.value
    },
    async status() {
      return statusAnswer.parse(await (await get('/api/status')).json())
    },
    [Symbol.asyncDispose]: async () => void (await end(started, 'SIGKILL')),
  }
}

async function stop(started: Started, signal: NodeJS.Signals): Promise<Ended> {
  const timer = setTimeout(() => void started.child.kill('SIGKILL'), STOP_MS_MAX)
  const ended = await end(started, signal)
  clearTimeout(timer)
  return ended
}

async function end(started: Started, signal: NodeJS.Signals): Promise<Ended> {
  if (!started.hasEnded()) started.child.kill(signal)
  return started.ended
}

/** A process that was killed may leave half a line. */
function parseLog(text: string): readonly LogLine[] {
  const lines = text.split('\n').slice(0, -1)
  return lines.filter((line) => line !== '').map((line) => logLineSchema.parse(JSON.parse(line)))
}
