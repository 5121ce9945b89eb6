import { z } from 'zod'

import { type EventsAnswer, eventsAnswer } from '../api/contract/index.ts'
import { withProcess } from './asking.ts'
import { EXIT } from './exit.ts'
import type { CommandContext } from './index.ts'
import { parseOptions } from './options.ts'
import { csvLine, formatTable } from './table.ts'

const options = z.object({
  config: z.string(),
  envFile: z.string().optional(),
  target: z.string().optional(),
  name: z.string().optional(),
  from: z.string().optional(),
  to: z.string().optional(),
  limit: z.coerce.number().int().min(1).max(10_000),
  follow: z.boolean().default(false),
  format: z.enum(['table', 'csv', 'json']),
})

type EventRow = EventsAnswer['events'][number]

const FOLLOW_MS = 1_000
const HEADING = ['time', 'target', 'name', 'height', 'arguments']
const COLUMNS = ['sequence', 'time', 'target', 'type', 'name', 'height', 'transaction', 'id', 'history', 'arguments']

/** `events`: what happened, as a table, as CSV or as one JSON object a line; with `--follow`, until stopped. */
export async function events(context: CommandContext, given: unknown): Promise<number> {
  const asked = parseOptions(options, given)
  await withProcess(context, asked, async ({ get }) => {
    const parameters = parametersOf(asked)
    const first = await get(`/api/events?${parameters.toString()}`, eventsAnswer)
    context.console.out(format(first.events, asked.format, true))
    if (!asked.follow) return
    await follow(context, lastSequence(first.events, 0), async (after) => {
      parameters.set('after', String(after))
      const next = await get(`/api/events?${parameters.toString()}`, eventsAnswer)
      context.console.out(format(next.events, asked.format, false))
      return lastSequence(next.events, after)
    })
  })
  return EXIT.fine
}

/** Asks again every second, until the process is told to stop or the server goes away. */
async function follow(
  { world }: CommandContext,
  start: number,
  next: (after: number) => Promise<number>,
): Promise<void> {
  const stopping = new AbortController()
  process.once('SIGINT', () => stopping.abort())
  process.once('SIGTERM', () => stopping.abort())
  const { signal } = stopping
  for (let after = start; !signal.aborted; after = await next(after)) {
    try {
      await world.sleep(FOLLOW_MS, signal)
    } catch {
      return
    }
  }
}

function parametersOf(asked: z.output<typeof options>): URLSearchParams {
  const parameters = new URLSearchParams({ limit: String(asked.limit) })
  for (const key of ['target', 'name', 'from', 'to'] as const) {
    const value = asked[key]
    if (value !== undefined) parameters.set(key, value)
  }
  return parameters
}

function lastSequence(rows: readonly EventRow[], before: number): number {
  return rows.reduce((highest, row) => Math.max(highest, row.sequence), before)
}

function format(rows: readonly EventRow[], form: 'table' | 'csv' | 'json', isFirst: boolean): string {
  switch (form) {
    case 'json':
      return rows.map((row) => `${JSON.stringify(row)}\n`).join('')
    case 'csv':
      return `${isFirst ? csvLine(COLUMNS) : ''}${rows.map((row) => csvLine(csvCells(row))).join('')}`
    case 'table': {
      const cells = rows.map((row) => [row.time, row.target, row.name, String(row.height ?? ''), argsText(row)])
      if (cells.length === 0) return isFirst ? 'No events.\n' : ''
      return formatTable(isFirst ? [HEADING, ...cells] : cells, 120)
    }
  }
}

function csvCells(row: EventRow): readonly string[] {
  const { sequence, time, target, type, name, height, transaction, id, history } = row
  return [
    String(sequence),
    time,
    target,
    type,
    name,
    String(height ?? ''),
    transaction ?? '',
    id,
    String(history),
    JSON.stringify(row.args),
  ]
}

function argsText(row: EventRow): string {
  return Object.entries(row.args)
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(' ')
}
