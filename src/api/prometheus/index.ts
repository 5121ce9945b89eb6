import type { FastifyReply, FastifyRequest } from 'fastify'

import type { Routes } from '../routes.ts'
import { registerQueries } from './query.ts'
import { registerSeries } from './series.ts'

type Answer = (routes: Routes, request: FastifyRequest, reply: FastifyReply) => Promise<unknown>

/** Prometheus' HTTP API (docs/querying/api.md of Prometheus 3.14): what Grafana, promtool and people ask. */
export function registerPrometheus(routes: Routes): void {
  registerQueries(routes)
  registerSeries(routes)
  registerRare(routes)
}

/** Most processes are never asked these: their code is loaded with the first question. */
function registerRare({ app, ...rest }: Routes): void {
  const routes: Routes = { app, ...rest }
  function register(method: ('GET' | 'POST')[], path: string, load: () => Promise<Answer>): void {
    app.route({
      method,
      url: `/api/v1/${path}`,
      handler: async (request, reply) => (await load())(routes, request, reply),
    })
  }
  const either: ('GET' | 'POST')[] = ['GET', 'POST']
  register(['GET'], 'rules', async () => (await import('./rules.ts')).answerRules)
  register(['GET'], 'alerts', async () => (await import('./rules.ts')).answerAlerts)
  register(['GET'], 'targets', async () => (await import('./targets.ts')).answerTargets)
  register(['GET'], 'targets/metadata', async () => (await import('./targets.ts')).answerTargetMetadata)
  register(['GET'], 'metadata', async () => (await import('./targets.ts')).answerMetadata)
  register(['GET'], 'status/buildinfo', async () => (await import('./status.ts')).answerBuildInfo)
  register(['GET'], 'status/runtimeinfo', async () => (await import('./status.ts')).answerRuntimeInfo)
  register(['GET'], 'status/config', async () => (await import('./status.ts')).answerConfig)
  register(['GET'], 'status/flags', async () => (await import('./status.ts')).answerFlags)
  register(['GET'], 'status/tsdb', async () => (await import('./status.ts')).answerTsdb)
  register(either, 'format_query', async () => (await import('./language.ts')).answerFormat)
  register(either, 'parse_query', async () => (await import('./language.ts')).answerParse)
  register(either, 'query_exemplars', async () => (await import('./language.ts')).answerExemplars)
}
