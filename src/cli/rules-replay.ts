import { z } from 'zod'

import { replayRuleFiles, type RuleReplay } from '../app/rules-replay.ts'
import { loadConfig, readEnvironment } from '../config/index.ts'
import { formatDuration, parseDuration } from '../lib/duration.ts'
import { ConfigError } from '../lib/errors.ts'
import { parseTime } from '../lib/time.ts'
import { type Asking, withProcess } from './asking.ts'
import { EXIT } from './exit.ts'
import type { CommandContext } from './index.ts'
import { parseOptions } from './options.ts'
import { formatTable } from './table.ts'

const options = z.object({
  config: z.string(),
  envFile: z.string().optional(),
  from: z.string(),
  to: z.string().optional(),
  json: z.boolean().default(false),
})

type Replayed = Awaited<ReturnType<typeof replayRuleFiles>>
type Spell = Replayed['timeline'][number]
type History = RuleReplay['history']

/** `rules replay`: what rules would have said over what was recorded. Ends with 1 when a rule failed. */
export async function rulesReplay(context: CommandContext, files: readonly string[], given: unknown): Promise<number> {
  const asked = parseOptions(options, given)
  const { world, console } = context
  const [fromMs, toMs] = stretchOf(asked, world.now())
  const config = await loadConfig({ file: asked.config, environment: readEnvironment({ file: asked.envFile }) })
  const isShown = console.isTerminal && !asked.json
  let failed = 0
  await withProcess(context, asked, async ({ get }) => {
    const onProgress = (done: number) => {
      if (isShown) console.error(`\r${Math.floor(done * 100)} %${done < 1 ? '' : '\r     \r'}`)
    }
    const replayed = await replayRuleFiles({ files, config, history: historyOf(get), fromMs, toMs, world, onProgress })
    failed = replayed.failures.length
    console.out(asked.json ? `${JSON.stringify(forMachines(replayed), null, 2)}\n` : describe(replayed, toMs))
    for (const { rule, message, count, atMs } of replayed.failures) {
      console.error(`${rule} failed ${count} times, first at ${isoTime(atMs)}: ${message}\n`)
    }
  })
  return failed === 0 ? EXIT.fine : EXIT.mustChange
}

/** @throws ConfigError where a time is none, or the end is not after the beginning */
function stretchOf({ from, to }: z.output<typeof options>, now: number): readonly [number, number] {
  const [fromMs, toMs] = [timeOf('--from', from, now), to === undefined ? now : timeOf('--to', to, now)]
  if (fromMs < toMs) return [fromMs, toMs]
  throw new ConfigError([{ message: `--from ${from} is not before --to ${to ?? 'now'}` }])
}

function timeOf(name: string, text: string, now: number): number {
  const agoMs = parseDuration(text)
  const time = agoMs === undefined || text === '0' ? parseTime(text) : now - agoMs
  if (time !== undefined) return time
  throw new ConfigError([
    { message: `${name} ${text}: write 2026-11-20T12:00:00Z, seconds since 1970, or 6h for six hours ago` },
  ])
}

const matrix = z.object({
  data: z.object({
    resultType: z.literal('matrix'),
    result: z.array(
      z.object({
        metric: z.record(z.string(), z.string()),
        values: z.array(z.tuple([z.number(), z.string()])),
      }),
    ),
  }),
})

/** Asks the API that the process, or what it left, answers. */
function historyOf(get: Asking['get']): History {
  const ask = async (query: string, toMs: number) => {
    const parameters = new URLSearchParams({ query, time: String(toMs / 1000) })
    const { data } = await get(`/api/v1/query?${parameters.toString()}`, matrix)
    return data.result.map(({ metric, values }) => ({
      labels: metric,
      times: values.map(([seconds]) => Math.round(seconds * 1000)),
      values: values.map(([, value]) => floatOf(value)),
    }))
  }
  return {
    raw: async (selector, fromMs, toMs) => ask(`${selector}[${toMs - fromMs}ms]`, toMs),
    steps: async (selector, { fromMs, toMs, stepMs }) => ask(`${selector}[${toMs - fromMs}ms:${stepMs}ms]`, toMs),
  }
}

function floatOf(text: string): number {
  if (text === '+Inf') return Infinity
  return text === '-Inf' ? -Infinity : Number(text)
}

function forMachines({ timeline, more, failures, evaluations }: Replayed) {
  return {
    evaluations,
    timeline: timeline.map(({ activeAt, firedAt, endedAt, value, ...spell }) => ({
      ...spell,
      value: String(value),
      active_at: isoTime(activeAt),
      told_at: firedAt === undefined ? null : isoTime(firedAt),
      ended_at: endedAt === undefined ? null : isoTime(endedAt),
    })),
    more,
    failures: failures.map(({ rule, atMs, message, count }) => ({ rule, first_at: isoTime(atMs), message, count })),
  }
}

const HEADING = ['true since', 'told', 'over', 'lasted', 'alert', 'labels']

function describe({ timeline, more, evaluations }: Replayed, toMs: number): string {
  const told = timeline.filter(({ firedAt }) => firedAt !== undefined).length
  const summary = `${evaluations} evaluations: ${told} alerts would have been told, ${timeline.length - told} ended before their for was over.\n`
  const table = timeline.length === 0 ? '' : formatTable([HEADING, ...timeline.map((spell) => row(spell, toMs))], 120)
  return `${table}${more === 0 ? '' : `... and ${more} more\n`}${summary}`
}

function row({ activeAt, firedAt, endedAt, alert, labels }: Spell, toMs: number): readonly string[] {
  return [
    isoTime(activeAt),
    firedAt === undefined ? 'no' : isoTime(firedAt),
    endedAt === undefined ? 'still true' : isoTime(endedAt),
    formatDuration((endedAt ?? toMs) - activeAt),
    alert,
    Object.entries(labels)
      .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
      .join(' '),
  ]
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString()
}
