import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { env as environment } from 'node:process'
import { setTimeout as pause } from 'node:timers/promises'

import { z } from 'zod'

import { freePort } from '../../test/support/free-port.ts'
import { ROOT } from '../../test/tidy/sources.ts'
import { until } from './until.ts'

/** A real process, started by the launcher as an operator starts it; its log goes to a file, as a service's does. */
export interface MeasuredProcess {
  readonly pid: number
  /** Milliseconds from the start of the launcher to the first 200 of `/-/ready`. */
  readonly readyMs: number
  /** The one value of a PromQL expression; undefined while there is none. */
  value(expression: string): Promise<number | undefined>
  kill(signal: 'SIGKILL' | 'SIGTERM'): Promise<void>
}

export interface ProcessPlan {
  /** Holds the configuration, the log, and what is stored. */
  readonly folder: string
  /** The configuration without `server` and `storage`. */
  readonly config: string
}

const READY_POLL_MS = 2
const READY_PATIENCE_MS = 60_000
const FIRST_START_MS = 8_000

/** The first start after a change fills the compile cache, a few seconds after it is ready; every later one uses it. */
export async function startOnce(plan: ProcessPlan, end: 'SIGKILL' | 'SIGTERM'): Promise<void> {
  const process = await startMeasured(plan)
  await pause(FIRST_START_MS)
  await process.kill(end)
}

export async function startMeasured({ folder, config }: ProcessPlan): Promise<MeasuredProcess> {
  const port = await freePort()
  const file = join(folder, 'chainwarden.yaml')
  const logFile = join(folder, 'chainwarden.log')
  writeFileSync(file, `server: { listen: 127.0.0.1:${port} }\nstorage: { path: ./data }\n${config}`)
  const log = openSync(logFile, 'a')
  const startedAt = performance.now()
  const child = spawn(join(ROOT, 'bin/chainwarden'), ['run', '--config', file], {
    cwd: folder,
    env: { PATH: environment['PATH'], HOME: folder },
    stdio: ['ignore', log, log],
  })
  closeSync(log)
  const ended = once(child, 'exit')
  const url = `http://127.0.0.1:${port}`
  const readyMs = await until(
    'Chainwarden is ready',
    async () => {
      if (child.exitCode !== null) throw new Error(`Chainwarden ended: ${readFileSync(logFile, 'utf8').slice(-2_000)}`)
      return (await isReady(url)) ? performance.now() - startedAt : undefined
    },
    { everyMs: READY_POLL_MS, patienceMs: READY_PATIENCE_MS },
  )
  return {
    pid: child.pid ?? 0,
    readyMs,
    value: async (expression) => valueOf(url, expression),
    async kill(signal) {
      child.kill(signal)
      await ended
    },
  }
}

async function isReady(url: string): Promise<boolean> {
  try {
    const answer = await fetch(`${url}/-/ready`)
    await answer.arrayBuffer()
    return answer.status === 200
  } catch {
    return false
  }
}

const vectorSchema = z.object({
  data: z.object({ result: z.array(z.object({ value: z.tuple([z.number(), z.coerce.number()]) })) }),
})

async function valueOf(url: string, expression: string): Promise<number | undefined> {
  const answer = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(expression)}`)
  return vectorSchema.parse(await answer.json()).data.result[0]?.value[1]
}
