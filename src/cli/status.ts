import { z } from 'zod'

import { type StatusAnswer, statusAnswer } from '../api/contract/index.ts'
import { withProcess } from './asking.ts'
import { EXIT } from './exit.ts'
import type { CommandContext } from './index.ts'
import { parseOptions } from './options.ts'
import { formatTable } from './table.ts'

const options = z.object({ config: z.string(), envFile: z.string().optional(), json: z.boolean().default(false) })

/** `status`: every target with its parts, what fires, and what waits to be delivered. */
export async function status(context: CommandContext, given: unknown): Promise<number> {
  const asked = parseOptions(options, given)
  await withProcess(context, asked, async ({ get }) => {
    const answer = await get('/api/status', statusAnswer)
    context.console.out(asked.json ? `${JSON.stringify(answer, null, 2)}\n` : describe(answer))
  })
  return EXIT.fine
}

const NOT_RUNNING =
  'Chainwarden is not running here: nothing is watched, and what fires is not known.\n' +
  '`chainwarden events` and `chainwarden query` read what it left.\n'

function describe(answer: StatusAnswer): string {
  const queued = Object.entries(answer.queued).filter(([, count]) => count > 0)
  return [
    answer.ready ? describeRunning(answer) : NOT_RUNNING,
    ...queued.map(([destination, count]) => `\n${count} notifications wait for ${destination}\n`),
  ].join('')
}

function describeRunning(answer: StatusAnswer): string {
  const targets = answer.targets.map((target) => [
    target.name,
    target.type,
    stateOf(target.up),
    target.last_round ?? 'not yet',
    target.caught_up ? '' : 'catching up',
    problems(target.parts),
  ])
  const alerts = answer.alerts.map((alert) => [
    alert.state,
    alert.labels['severity'] ?? '',
    alert.labels['alertname'] ?? '',
    alert.labels['target'] ?? '',
    alert.starts_at,
    alert.annotations['summary'] ?? '',
  ])
  return [
    targets.length === 0
      ? 'No targets.\n'
      : formatTable([['target', 'type', 'state', 'last round', '', ''], ...targets], 100),
    alerts.length === 0
      ? '\nNothing fires.\n'
      : `\n${formatTable([['alert', 'severity', 'name', 'target', 'since', 'summary'], ...alerts])}`,
  ].join('')
}

function stateOf(up: boolean | null): string {
  if (up === null) return 'unknown'
  return up ? 'up' : 'down'
}

function problems(parts: StatusAnswer['targets'][number]['parts']): string {
  return Object.entries(parts)
    .filter(([, part]) => !part.ok)
    .map(([name, part]) => `${name}: ${part.detail}`)
    .join('; ')
}
