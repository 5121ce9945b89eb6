import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { z } from 'zod'

import { OutsideError } from '../lib/errors.ts'
import { type HttpAnswer, request, statusError } from '../lib/http.ts'
import { Secret } from '../lib/secret.ts'
import type { World } from '../lib/world.ts'

/** Where the process that runs on a storage folder can be asked. */
export interface RunningProcess {
  readonly url: string
  readonly token: Secret
}

const TIMEOUT_MS = 30_000
const ANSWER_BYTES_MAX = 200_000_000

/** The process that runs on this folder, by the files it left there; undefined where none did. */
export function findProcess(storageFolder: string): RunningProcess | undefined {
  try {
    const url = readFileSync(join(storageFolder, 'cli.url'), 'utf8').trim()
    return { url, token: new Secret(readFileSync(join(storageFolder, 'cli.token'), 'utf8').trim()) }
  } catch {
    return undefined
  }
}

const problem = z.object({ error: z.string() })

/**
 * Asks the running process and checks the answer's shape. Its own words come through when it refuses.
 *
 * @throws OutsideError `unreachable` when nobody answers there any more
 */
export async function ask<Schema extends z.ZodType>(
  world: World,
  running: RunningProcess,
  path: string,
  schema: Schema,
): Promise<z.output<Schema>> {
  const answer = await request(world, {
    url: `${running.url}${path}`,
    headers: { authorization: `Bearer ${running.token.reveal()}` },
    timeoutMs: TIMEOUT_MS,
    maxBytes: ANSWER_BYTES_MAX,
    name: 'the running Chainwarden',
  })
  if (answer.status >= 400 && answer.status < 500) throw refusal(answer)
  const failed = statusError(answer, 'the running Chainwarden', world.now())
  if (failed !== undefined) throw failed
  return schema.parse(JSON.parse(answer.body))
}

function refusal(answer: HttpAnswer): OutsideError {
  const said = problem.safeParse(safeJson(answer.body))
  const words = said.success ? said.data.error : `the running Chainwarden answered ${answer.status}`
  return new OutsideError('rejected', words, { retry: false })
}

function safeJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
