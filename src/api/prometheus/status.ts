import type { FastifyReply, FastifyRequest } from 'fastify'

import { formatDuration } from '../../lib/duration.ts'
import { BadRequest } from '../errors.ts'
import type { Routes } from '../routes.ts'
import { goTime } from './answer.ts'
import { formOf, wholeNumber } from './form.ts'

/**
 * The Prometheus whose language and API this is. Grafana asks for it to know what it may ask for (before 2.24 it does
 * without `match[]`), so our own version would mislead it.
 */
const SPEAKS = '3.14.0'
const STATISTICS = 10
const STATISTICS_MAX = 10_000

type Answer = (routes: Routes, request: FastifyRequest, reply: FastifyReply) => Promise<unknown>

/** `GET /api/v1/status/buildinfo` */
export const answerBuildInfo: Answer = async ({ options, actor }, request, reply) => {
  const { version } = await options.operations.status(actor(request))
  const data = {
    version: SPEAKS,
    revision: `chainwarden-${version}`,
    branch: 'chainwarden',
    buildUser: '',
    buildDate: '',
    goVersion: '',
  }
  return reply.send({ status: 'success', data })
}

/** `GET /api/v1/status/runtimeinfo`. What only Go has is 0 or empty. */
export const answerRuntimeInfo: Answer = async ({ options, actor }, request, reply) => {
  const { startedAt } = await options.operations.status(actor(request))
  const facts = options.operations.facts(actor(request))
  const data = {
    startTime: goTime(startedAt),
    CWD: facts.folder,
    hostname: facts.host,
    serverTime: goTime(options.now()),
    reloadConfigSuccess: facts.isConfigurationGood,
    lastConfigTime: goTime(facts.configuredAt),
    corruptionCount: facts.damagedBlobs,
    goroutineCount: 0,
    GOMAXPROCS: 1,
    GOMEMLIMIT: 0,
    GOGC: '',
    GODEBUG: '',
    storageRetention: formatDuration(facts.rawRetentionMs),
  }
  return reply.send({ status: 'success', data })
}

/** `GET /api/v1/status/config`: our own configuration, in our own words. */
export const answerConfig: Answer = async ({ options, actor }, request, reply) => {
  return reply.send({ status: 'success', data: { yaml: await options.operations.configuration(actor(request)) } })
}

/** `GET /api/v1/status/flags` */
export const answerFlags: Answer = async ({ options, actor }, request, reply) => {
  return reply.send({ status: 'success', data: options.operations.facts(actor(request)).flags })
}

/** `GET /api/v1/status/tsdb`: which metrics and labels make the most series. There are no chunks. */
export const answerTsdb: Answer = async ({ options, actor }, request, reply) => {
  const text = formOf(request).get('limit')
  const limit = text === '' ? STATISTICS : wholeNumber(text)
  if (limit === undefined || limit < 1) throw new BadRequest('limit must be a positive number')
  if (limit > STATISTICS_MAX) throw new BadRequest(`limit must not exceed ${STATISTICS_MAX}`)
  const counted = await options.operations.cardinality(actor(request), limit)
  const data = {
    headStats: {
      numSeries: counted.series,
      numLabelPairs: counted.labelPairs,
      chunkCount: 0,
      minTime: counted.oldestAt,
      maxTime: counted.newestAt,
    },
    seriesCountByMetricName: counted.seriesByMetric,
    labelValueCountByLabelName: counted.valuesByLabel,
    memoryInBytesByLabelName: counted.bytesByLabel,
    seriesCountByLabelValuePair: counted.seriesByPair,
  }
  return reply.send({ status: 'success', data })
}
