import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'

import { messageOf, OutsideError } from '../lib/errors.ts'
import type { Logger } from '../lib/log.ts'
import { Forbidden, PromqlError } from '../operations/index.ts'
import { Refused } from './access.ts'

/** The request is wrong in a way its sender can mend. */
export class BadRequest extends Error {
  override readonly name = 'BadRequest'
}

/** Turns whatever a handler threw into an answer; only our own mistakes are logged. */
export function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply, log: Logger): void {
  const { status, errorType, message } = meaningOf(error)
  if (status === 500) log.error('a request failed', { path: request.url.split('?')[0], error })
  if (status === 401) void reply.header('www-authenticate', 'Bearer')
  void reply.code(status).send({ status: 'error', errorType, error: message })
}

interface Meaning {
  readonly status: number
  readonly errorType: string
  readonly message: string
}

/** Nobody waits for the answer any more; the code is nobody's standard, but Prometheus' too. */
const GONE: Meaning = { status: 499, errorType: 'canceled', message: 'the client closed the connection' }

function meaningOf(error: unknown): Meaning {
  if (error instanceof Refused) return { status: error.status, errorType: 'refused', message: error.message }
  if (error instanceof Forbidden) return { status: 403, errorType: 'forbidden', message: error.message }
  if (error instanceof BadRequest) return { status: 400, errorType: 'bad_data', message: error.message }
  if (error instanceof PromqlError) return meaningOfQuery(error)
  if (error instanceof OutsideError && error.reason === 'too-large') {
    return { status: 422, errorType: 'execution', message: error.message }
  }
  if (error instanceof DOMException && error.name === 'AbortError') return GONE
  if (error instanceof z.ZodError) return { status: 400, errorType: 'bad_data', message: z.prettifyError(error) }
  const status = statusOf(error)
  if (status < 500) return { status, errorType: 'bad_data', message: messageOf(error) }
  return { status: 500, errorType: 'internal', message: 'this request could not be answered; the log says why' }
}

/** Prometheus' types and codes. */
function meaningOfQuery({ reason, message }: PromqlError): Meaning {
  switch (reason) {
    case 'parse':
      return { status: 400, errorType: 'bad_data', message }
    case 'execution':
      return { status: 422, errorType: 'execution', message }
    case 'timeout':
      return { status: 503, errorType: 'timeout', message }
    case 'canceled':
      return { ...GONE, message }
  }
}

function statusOf(error: unknown): number {
  if (typeof error !== 'object' || error === null || !('statusCode' in error)) return 500
  return typeof error.statusCode === 'number' ? error.statusCode : 500
}
