import { readFileSync } from 'node:fs'

import { describe, expect, test } from 'vitest'

import { METRIC_NAME, type Labels } from '../../core/labels.ts'
import { matchesAll } from '../../core/matcher.ts'
import { createQueryEngine, isLocal, parseExpr, type SeriesSource } from '../../promql/index.ts'
import { type AlertRule, parseEventRuleFile, parseRuleFile } from '../../rules/index.ts'
import { hostSchema } from './config.ts'
import { panelsOf } from './dashboard.ts'
import { EVENTS } from './events.ts'
import { host } from './index.ts'
import { METRICS } from './metrics.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const NOW = 100 * HOUR_MS
const GB = 1e9

const config = hostSchema.parse({ type: 'host', name: 'h' })
const here = (name: string) => readFileSync(new URL(name, import.meta.url), 'utf8')
const alerts = parseRuleFile(here('rules.yaml'), 'rules.yaml')
  .flatMap((group) => group.rules)
  .filter((rule): rule is AlertRule => rule.kind === 'alert')

/** A value, or what it was at a time, in minutes before now (so many are below 0). */
type Course = number | ((minute: number) => number)

const DISK = 'device="/dev/sda1",mount="/data",fstype="ext4"'

/** A machine that nobody has to be told of. */
const HEALTHY: Readonly<Record<string, Course>> = {
  up: 1,
  host_cpus: 4,
  host_load5: 1,
  host_memory_total_bytes: 16 * GB,
  host_memory_available_bytes: 8 * GB,
  host_file_descriptors: 1_000,
  host_file_descriptors_max: 1e6,
  [`host_filesystem_up{${DISK}}`]: 1,
  [`host_filesystem_readonly{${DISK}}`]: 0,
  [`host_filesystem_used_ratio{${DISK}}`]: 0.7,
  [`host_filesystem_available_bytes{${DISK}}`]: 300 * GB,
  [`host_filesystem_inodes{${DISK}}`]: 1e6,
  [`host_filesystem_inodes_free{${DISK}}`]: 9e5,
  'host_pressure_stalled_seconds_total{resource="memory"}': (minute) => 100 + minute * 0.1,
}

/** A day of such a machine, a sample a minute. */
function sourceOf(courses: Readonly<Record<string, Course>>): SeriesSource {
  const minutes = Array.from({ length: 1_441 }, (_, index) => index - 1_440)
  const thresholds = Object.entries(host.thresholds(config)).map(([name, value]): [string, Course] => [
    `chainwarden_threshold{name="${name}"}`,
    value,
  ])
  const series = [...Object.entries(courses), ...thresholds].map(([text, course], id) => ({
    id,
    labels: labelsOf(text),
    times: Float64Array.from(minutes, (minute) => NOW + minute * MINUTE_MS),
    values: Float64Array.from(minutes, (minute) => (typeof course === 'number' ? course : course(minute))),
  }))
  return {
    generation: 1,
    select: (matchers) => series.filter(({ labels }) => matchesAll(matchers, labels)),
    load: (refs) => ({
      points(index) {
        const found = series.find(({ id }) => id === refs[index]?.id)
        const { times, values } = found ?? { times: new Float64Array(), values: new Float64Array() }
        return { times, values, stale: undefined, start: 0, end: times.length }
      },
    }),
  }
}

function labelsOf(text: string): Labels {
  const [name = '', rest = ''] = text.split('{')
  const pairs = [...rest.matchAll(/(\w+)="([^"]*)"/g)].map((match): [string, string] => [
    match[1] ?? '',
    match[2] ?? '',
  ])
  return { [METRIC_NAME]: name, target: 'h', job: 'host', instance: 'h', ...Object.fromEntries(pairs) }
}

/** The alerts whose expression gives an element on a machine that is healthy but for this. */
async function raised(change: Readonly<Record<string, Course>>): Promise<readonly string[]> {
  const engine = createQueryEngine({
    source: sourceOf({ ...HEALTHY, ...change }),
    clock: { monotonic: () => 0, yield: async () => Promise.resolve() },
    limits: { samples: 1_000_000, steps: 1_000, timeMs: 60_000 },
    defaultSubqueryStepMs: MINUTE_MS,
  })
  const found: string[] = []
  for (const { name, parsed } of alerts) {
    const { value } = await engine.instant(parsed, NOW)
    if (value.type === 'vector' && value.elements.length > 0) found.push(name)
  }
  return found
}

describe('the rules', () => {
  test('say nothing of a healthy machine', async () => {
    expect(await raised({})).toEqual([])
  })

  test.each<readonly [string, Readonly<Record<string, Course>>, readonly string[]]>([
    ['cannot be read', { up: 0 }, ['HostUnreadable']],
    ['has a disk at 85 %', { [`host_filesystem_used_ratio{${DISK}}`]: 0.85 }, ['HostDiskFilling']],
    ['has a disk at 95 %', { [`host_filesystem_used_ratio{${DISK}}`]: 0.95 }, ['HostDiskFilling', 'HostDiskFull']],
    [
      'has a full disk that nobody can write to',
      { [`host_filesystem_used_ratio{${DISK}}`]: 1, [`host_filesystem_readonly{${DISK}}`]: 1 },
      [],
    ],
    [
      'fills its disk within ten hours',
      { [`host_filesystem_available_bytes{${DISK}}`]: (minute) => 300 * GB - (minute * 300 * GB) / 600 },
      ['HostDiskFullWithinDay'],
    ],
    [
      'fills it as fast, but from nearly empty',
      {
        [`host_filesystem_available_bytes{${DISK}}`]: (minute) => 300 * GB - (minute * 300 * GB) / 600,
        [`host_filesystem_used_ratio{${DISK}}`]: 0.2,
      },
      [],
    ],
    [
      'wrote much for half an hour and stopped',
      { [`host_filesystem_available_bytes{${DISK}}`]: (minute) => (minute < -150 ? 500 : 300) * GB },
      [],
    ],
    [
      'freed much an hour ago and fills again slowly',
      {
        [`host_filesystem_available_bytes{${DISK}}`]: (minute) =>
          minute < -60 ? 100 * GB - minute * 0.2 * GB : 300 * GB - minute * 0.01 * GB,
      },
      [],
    ],
    ['runs out of inodes', { [`host_filesystem_inodes_free{${DISK}}`]: 5e4 }, ['HostInodesRunningOut']],
    [
      'lost the right to write an hour ago',
      { [`host_filesystem_readonly{${DISK}}`]: (minute) => (minute < -60 ? 0 : 1) },
      ['HostFilesystemReadonly'],
    ],
    ['has always had a read-only disk', { [`host_filesystem_readonly{${DISK}}`]: 1 }, []],
    ['has a share that does not answer', { [`host_filesystem_up{${DISK}}`]: 0 }, ['HostFilesystemUnreadable']],
    ['is short of memory', { host_memory_available_bytes: 0.5 * GB }, ['HostMemoryFull']],
    [
      'waits for memory a fifth of the time',
      { 'host_pressure_stalled_seconds_total{resource="memory"}': (minute) => 50_000 + minute * 12 },
      ['HostMemoryStalled'],
    ],
    ['has too much to do', { host_load5: 12 }, ['HostLoadHigh']],
    ['has a program that leaks files', { host_file_descriptors: 950_000 }, ['HostFileDescriptorsRunningOut']],
  ])('of a machine that %s they say just that', async (_, change, expected) => {
    expect(await raised(change)).toEqual(expected)
  })

  test('are decided from one target alone, so that a fault is told on arrival', () => {
    expect(alerts.filter(({ parsed }) => !isLocal(parsed)).map(({ name }) => name)).toEqual([])
  })

  test('have a severity, a summary and a description each', () => {
    const bare = alerts.filter(
      ({ labels, annotations }) =>
        !/^(?:info|warning|critical)$/.test(labels['severity'] ?? '') ||
        (annotations['summary'] ?? '') === '' ||
        (annotations['description'] ?? '') === '',
    )

    expect(bare).toEqual([])
  })
})

test('the rules about events ask for events that exist', () => {
  expect(parseEventRuleFile(here('event-rules.yaml'), 'event-rules.yaml', EVENTS).map(({ alert }) => alert)).toEqual([
    'HostRebooted',
    'HostClockSet',
  ])
})

test('every query of a panel can be parsed and reads metrics that exist', () => {
  for (const { expr } of panelsOf(config).flatMap(({ queries }) => queries)) {
    expect(() => parseExpr(expr)).not.toThrow()
    const metrics = [...expr.matchAll(/host_\w+/g)].map(([name]) => name)
    expect(metrics.filter((name) => METRICS[name] === undefined)).toEqual([])
  }
})

test('the README names every metric, alert, event and threshold', () => {
  const readme = here('README.md')
  const names = [
    ...Object.keys(METRICS),
    ...Object.keys(EVENTS),
    ...Object.keys(config.thresholds),
    ...alerts.map(({ name }) => name),
    ...parseEventRuleFile(here('event-rules.yaml'), 'event-rules.yaml', EVENTS).map(({ alert }) => alert),
  ]

  expect(names.filter((name) => !readme.includes(`\`${name}\``))).toEqual([])
})

describe('the configuration', () => {
  test('needs nothing but a name', () => {
    expect(config).toMatchObject({ proc: '/proc', root: '/', interval: 15_000, ignore_mounts: [] })
  })

  test.each([
    [{ proc: 'proc' }, 'this must be an absolute path'],
    [{ ignore_mounts: ['tmp'] }, 'this must be an absolute path'],
    [{ thresholds: { disk_used_ratio_warning: 80 } }, 'Too big'],
    [{ treshold: 1 }, 'Unrecognized key'],
  ])('%j is refused', (more, words) => {
    const parsed = hostSchema.safeParse({ type: 'host', name: 'h', ...more })

    expect(parsed.error?.issues.map(({ message }) => message).join()).toContain(words)
  })
})
