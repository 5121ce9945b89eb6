import { z } from 'zod'

import { OutsideError } from '../../lib/errors.ts'
import { type RpcQuestion, sortRpcError } from './rpc-errors.ts'

/** What came of one question. */
export type RpcOutcome =
  | { readonly kind: 'result'; readonly result: unknown }
  | { readonly kind: 'failed'; readonly error: OutsideError }

export interface NumberedQuestion {
  readonly id: number
  readonly question: RpcQuestion
}

/** The text of one question, or of a batch where there are several. */
export function encodeQuestions(asked: readonly NumberedQuestion[]): string {
  const envelopes = asked.map(({ id, question }) => ({
    jsonrpc: '2.0',
    id,
    method: question.method,
    params: question.params,
  }))
  return JSON.stringify(envelopes.length === 1 ? envelopes[0] : envelopes)
}

const errorSchema = z.object({
  code: z.number().catch(0),
  message: z.string().catch('no reason given'),
  data: z.unknown().optional(),
})

const envelopeSchema = z.object({
  id: z.union([z.number(), z.string(), z.null()]).optional(),
  result: z.unknown().optional(),
  // Some proxies put a bare text there.
  error: z.union([errorSchema, z.string().transform((message) => ({ code: 0, message, data: undefined }))]).nullish(),
})

type Envelope = z.output<typeof envelopeSchema>

/** Whether a text is a JSON-RPC answer that carries an error: nodes send those with any HTTP status. */
export function isErrorEnvelope(body: string): boolean {
  if (!/^\s*[[{]/.test(body)) return false
  try {
    const parsed = z.union([envelopeSchema, z.array(envelopeSchema).min(1)]).safeParse(JSON.parse(body))
    if (!parsed.success) return false
    const envelopes = Array.isArray(parsed.data) ? parsed.data : [parsed.data]
    return envelopes.every((envelope) => typeof envelope.error === 'object' && envelope.error !== null)
  } catch {
    return false
  }
}

/**
 * Reads the answer to one question.
 *
 * @throws OutsideError `malformed` when it is no JSON-RPC answer, or one to another question
 */
export function decodeAnswer(name: string, asked: NumberedQuestion, body: string): RpcOutcome {
  const parsed = envelopeSchema.safeParse(parseJson(name, asked.question.method, body))
  if (!parsed.success) throw malformed(name, asked.question.method, 'JSON that is no JSON-RPC answer')
  return outcomeOf(name, asked, parsed.data)
}

/** Reads the answers to a batch, in the order of the questions. One error for all of them counts for each. */
export function decodeBatch(name: string, asked: readonly NumberedQuestion[], body: string): readonly RpcOutcome[] {
  const parsed = z.union([z.array(envelopeSchema), envelopeSchema]).safeParse(parseJson(name, 'a batch', body))
  if (!parsed.success) throw malformed(name, 'a batch', 'JSON that is no JSON-RPC answer')
  if (!Array.isArray(parsed.data)) {
    const { error } = parsed.data
    if (error === null || error === undefined) throw malformed(name, 'a batch', 'a single answer')
    throw sortRpcError(name, { method: 'a batch', params: [] }, error)
  }
  const byId = new Map(parsed.data.map((envelope) => [Number(envelope.id), envelope]))
  return asked.map((numbered) => {
    const envelope = byId.get(numbered.id)
    if (envelope === undefined) {
      return { kind: 'failed', error: malformed(name, numbered.question.method, 'a batch without the answer to it') }
    }
    return settled(() => outcomeOf(name, numbered, envelope))
  })
}

function settled(read: () => RpcOutcome): RpcOutcome {
  try {
    return read()
  } catch (error) {
    if (error instanceof OutsideError) return { kind: 'failed', error }
    throw error
  }
}

function outcomeOf(name: string, { id, question }: NumberedQuestion, envelope: Envelope): RpcOutcome {
  if (envelope.error !== null && envelope.error !== undefined) {
    return { kind: 'failed', error: sortRpcError(name, question, envelope.error) }
  }
  // Ids come back as text from some proxies.
  if (Number(envelope.id ?? Number.NaN) !== id) throw malformed(name, question.method, 'the answer to another question')
  if (envelope.result === undefined) throw malformed(name, question.method, 'neither a result nor an error')
  return { kind: 'result', result: envelope.result }
}

function parseJson(name: string, method: string, body: string): unknown {
  const start = body.slice(0, 200).trim()
  if (start === '') throw malformed(name, method, 'an empty answer')
  if (isHtml(start)) throw malformed(name, method, 'an HTML page instead of JSON')
  try {
    return JSON.parse(body)
  } catch (error) {
    const what = /^[[{]/.test(start) ? 'JSON that is cut off or broken' : 'something that is no JSON'
    throw malformed(name, method, what, error)
  }
}

export function isHtml(text: string): boolean {
  return /^\s*<(?:!doctype|html|head|body|\?xml)/i.test(text)
}

export function malformed(name: string, method: string, what: string, cause?: unknown): OutsideError {
  return new OutsideError('malformed', `${name} answered ${method} with ${what}`, { retry: true, cause })
}
