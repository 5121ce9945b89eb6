import { request, statusError } from '../../lib/http.ts'
import type { World } from '../../lib/world.ts'
import { isErrorEnvelope, isHtml } from './json-rpc.ts'
import { ANSWER_BYTES_MAX, type Transport } from './transport.ts'

/** Statuses that say more than the JSON-RPC error some providers send along. */
const TELLING_STATUSES = new Set([401, 403, 429])

/** JSON-RPC over HTTP POST. A user and password in the URL become basic authorization, since fetch refuses such URLs. */
export function createHttpTransport(world: World, name: string, url: string): Transport {
  const target = new URL(url)
  const headers: Record<string, string> = { 'content-type': 'application/json', accept: 'application/json' }
  if (target.username !== '' || target.password !== '') {
    const login = `${decodeURIComponent(target.username)}:${decodeURIComponent(target.password)}`
    headers['authorization'] = `Basic ${Buffer.from(login).toString('base64')}`
    target.username = ''
    target.password = ''
  }
  return {
    async exchange(body, _ids, limits) {
      const shown = `${name} (${limits.what})`
      const answer = await request(world, {
        url: target.href,
        method: 'POST',
        headers,
        body,
        timeoutMs: limits.timeoutMs,
        maxBytes: ANSWER_BYTES_MAX,
        signal: limits.signal,
        name: shown,
      })
      const page = isHtml(answer.body) ? { ...answer, said: () => 'an HTML page' } : answer
      const failure = statusError(page, shown, world.now())
      if (failure !== undefined && (TELLING_STATUSES.has(answer.status) || !isErrorEnvelope(answer.body))) throw failure
      return answer.body
    },
    stop: () => {},
  }
}
