import { expect, test } from 'vitest'

import { createVirtualWorld } from '../../../test/support/virtual-world.ts'
import type { Alert } from '../../core/alert.ts'
import type { Logger } from '../../lib/log.ts'
import { createConsole } from './console.ts'

const quiet = (): void => undefined
const never = new AbortController().signal

function alertOf(name: string): Alert {
  return {
    episode: name,
    fingerprint: name,
    source: 'api',
    labels: { alertname: name, severity: 'critical' },
    annotations: {},
    startsAt: Date.UTC(2026, 0, 1),
    endsAt: undefined,
    end: undefined,
    isUnknown: false,
    generatorUrl: '',
  }
}

const notificationOf = (alerts: readonly Alert[]) => ({
  id: 'n1',
  receiver: 'console',
  destination: 'console',
  groupKey: '{}:{}',
  groupLabels: {},
  reason: 'first' as const,
  alerts,
  truncated: 0,
  causedAt: 0,
})

function createPrinting(print?: (line: string) => void) {
  const logged: string[] = []
  const log: Logger = {
    debug: quiet,
    info: (line) => void logged.push(line),
    warn: quiet,
    error: quiet,
    child: () => log,
  }
  const world = { ...createVirtualWorld({ seed: 1 }), log, externalUrl: '', timeZone: 'UTC', print }
  return { logged, channel: createConsole({ send_resolved: true }, world) }
}

test('prints one line for each alert, and how many more there are', async () => {
  const lines: string[] = []
  const { channel } = createPrinting((line) => void lines.push(line))
  await channel.send(notificationOf([alertOf('A'), alertOf('B')]), never)
  expect(lines).toEqual([
    '[CRITICAL] A (since 2026-01-01 00:00:00 UTC)',
    '[CRITICAL] B (since 2026-01-01 00:00:00 UTC)',
  ])
  await channel.send(notificationOf(Array.from({ length: 60 }, () => alertOf('A'))), never)

  expect(lines.at(-1)).toBe('and 10 more: 10 x A')
})

test('writes to the log where there is no place to print', async () => {
  const { channel, logged } = createPrinting()
  await channel.send(notificationOf([alertOf('A')]), never)

  expect(logged).toEqual(['[CRITICAL] A (since 2026-01-01 00:00:00 UTC)'])
})
