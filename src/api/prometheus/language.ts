import type { FastifyReply, FastifyRequest } from 'fastify'

import { parseExpr, prettyExpr } from '../../operations/index.ts'
import type { Routes } from '../routes.ts'
import { formOf, parsing } from './form.ts'
import { treeOf } from './syntax-tree.ts'

/** `/api/v1/format_query`: the expression as Prometheus would write it. */
export async function answerFormat(_routes: Routes, request: FastifyRequest, reply: FastifyReply) {
  return reply.send({ status: 'success', data: prettyExpr(read(request)) })
}

/** `/api/v1/parse_query`: the expression as a tree. */
export async function answerParse(_routes: Routes, request: FastifyRequest, reply: FastifyReply) {
  return reply.send({ status: 'success', data: treeOf(read(request)) })
}

/** `/api/v1/query_exemplars`: there are none, so that a panel which asks for them shows what it has. */
export async function answerExemplars(_routes: Routes, request: FastifyRequest, reply: FastifyReply) {
  read(request)
  return reply.send({ status: 'success', data: [] })
}

function read(request: FastifyRequest) {
  const text = formOf(request).get('query')
  return parsing('query', text, () => parseExpr(text))
}
