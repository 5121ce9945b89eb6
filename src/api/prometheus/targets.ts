import type { FastifyReply, FastifyRequest } from 'fastify'

import { compareText, type Labels, METRIC_NAME } from '../../core/labels.ts'
import { matchesAll } from '../../core/matcher.ts'
import type { MetricDefinition, MetricTable } from '../../core/metric.ts'
import { formatDuration } from '../../lib/duration.ts'
import { createSlices } from '../../lib/slices.ts'
import type { CurrentSample, Operations } from '../../operations/index.ts'
import { BadRequest } from '../errors.ts'
import type { Routes } from '../routes.ts'
import { goTime, jsonArray, sendData } from './answer.ts'
import { familyOf } from './exposition.ts'
import { type Form, formOf, matchersOf, wholeNumber } from './form.ts'

type Target = ReturnType<Operations['targets']>[number]

/** `GET /api/v1/targets`: everything that is watched, in the shape of Prometheus' scrape targets. None is ever dropped. */
export async function answerTargets({ options, actor }: Routes, request: FastifyRequest, reply: FastifyReply) {
  const form = formOf(request)
  const state = form.get('state').toLowerCase()
  const pool = form.get('scrapePool')
  const showActive = ['', 'any', 'active'].includes(state)
  const showDropped = ['', 'any', 'dropped'].includes(state)
  const targets = showActive ? options.operations.targets(actor(request)) : []
  const shown = targets
    .filter((target) => pool === '' || poolOf(target) === pool)
    .toSorted((a, b) => compareText(poolOf(a), poolOf(b)))
  return reply.send({
    status: 'success',
    data: {
      activeTargets: shown.map(targetOf),
      droppedTargets: [],
      droppedTargetCounts: showDropped ? Object.fromEntries(targets.map((target) => [poolOf(target), 0])) : null,
    },
  })
}

function poolOf({ status }: Target): string {
  return status.labels['job'] ?? status.type
}

function targetOf(target: Target): unknown {
  const { status, pace } = target
  const { labels, parts, lastRoundAt, lastDurationMs } = status
  const failed = Object.entries(parts).filter(([, part]) => !part.ok)
  const url = `chainwarden://${labels['instance'] ?? status.target}/${encodeURIComponent(status.type)}`
  return {
    discoveredLabels: { __address__: labels['instance'] ?? status.target, ...labels },
    labels,
    scrapePool: poolOf(target),
    scrapeUrl: url,
    globalUrl: url,
    lastError: failed.map(([part, { reason, detail }]) => `${part}: ${reason}: ${detail}`).join('; '),
    lastScrape: goTime(lastRoundAt ?? 0),
    lastScrapeDuration: (lastDurationMs ?? 0) / 1000,
    health: healthOf(target),
    scrapeInterval: pace === undefined ? '' : formatDuration(pace.intervalMs),
    scrapeTimeout: pace === undefined ? '' : formatDuration(pace.timeoutMs),
  }
}

/** What `up` says: the first part stands for the target. */
function healthOf({ status }: Target): 'up' | 'down' | 'unknown' {
  const first = Object.values(status.parts)[0]
  if (first === undefined) return 'unknown'
  return first.ok ? 'up' : 'down'
}

/** `GET /api/v1/metadata`: type, unit and help of metrics, by name. */
export async function answerMetadata({ options, actor }: Routes, request: FastifyRequest, reply: FastifyReply) {
  const form = formOf(request)
  const limit = countOf(form, 'limit')
  countOf(form, 'limit_per_metric')
  const { table } = options.operations.currentSamples(actor(request))
  const metric = form.get('metric')
  const names = metric === '' ? Object.keys(table) : [familyOf(metric, table)].filter((name) => table[name])
  const shown = limit < 0 ? names : names.slice(0, limit)
  const data = Object.fromEntries(
    shown.flatMap((name) => {
      const definition = table[name]
      return definition === undefined ? [] : [[name, [metadataOf(definition)]]]
    }),
  )
  return reply.send({ status: 'success', data })
}

/** Prometheus' two words for the same mistake. Below 0 is no limit. */
function countOf(form: Form, name: string): number {
  const text = form.get(name)
  if (text === '') return -1
  const count = wholeNumber(text)
  if (count === undefined) throw new BadRequest(`${name} must be a number`)
  return count
}

function metadataOf({ type, help, unit = '' }: MetricDefinition): unknown {
  return { type, help, unit }
}

/** `GET /api/v1/targets/metadata`: which target brings which metrics. */
export async function answerTargetMetadata({ options, actor }: Routes, request: FastifyRequest, reply: FastifyReply) {
  const form = formOf(request)
  const limit = countOf(form, 'limit')
  const metric = form.get('metric')
  const match = form.get('match_target')
  const matchers = match === '' ? [] : matchersOf('match_target', match)
  const { operations, clock } = options
  const targets = operations.targets(actor(request)).filter(({ status }) => matchesAll(matchers, status.labels))
  const { samples, table } = operations.currentSamples(actor(request))
  const brought = await familiesByTarget(samples, table, clock)
  const rows = targets.flatMap(({ status }) =>
    [...(brought.get(status.target) ?? [])]
      .filter((family) => metric === '' || family === metric)
      .map((family) => rowOf(status.labels, family, { table, isNamed: metric === '' })),
  )
  return sendData(
    reply,
    jsonArray(limit < 0 ? rows : rows.slice(0, limit), (row) => JSON.stringify(row)),
    clock,
  )
}

function rowOf(
  target: Labels,
  family: string,
  how: { readonly table: MetricTable; readonly isNamed: boolean },
): unknown {
  const { type = 'unknown', help = '', unit = '' } = how.table[family] ?? {}
  return { target, ...(how.isNamed ? { metric: family } : {}), type, help, unit }
}

async function familiesByTarget(
  samples: Iterable<CurrentSample>,
  table: MetricTable,
  clock: Routes['options']['clock'],
): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const slices = createSlices(clock)
  const found = new Map<string, Set<string>>()
  // Taken at once: rounds go on while it is looked through.
  for (const { labels } of Array.from(samples)) {
    const target = labels['target']
    if (target === undefined) continue
    const families = found.get(target) ?? new Set()
    found.set(target, families.add(familyOf(labels[METRIC_NAME] ?? '', table)))
    if (slices.isOver()) await slices.pause()
  }
  return found
}
