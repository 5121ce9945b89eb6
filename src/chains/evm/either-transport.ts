import { OutsideError } from '../../lib/errors.ts'
import type { World } from '../../lib/world.ts'
import { createHttpTransport } from './http-transport.ts'
import { createSocketTransport } from './socket-transport.ts'
import type { Transport } from './transport.ts'

/** The transport an endpoint's URL asks for. */
export function createTransport(world: World, name: string, url: string): Transport {
  if (!/^wss?:/i.test(url)) return createHttpTransport(world, name, url)
  return createEitherTransport(
    createHttpTransport(world, name, url.replace(/^ws/i, 'http')),
    createSocketTransport(world, name, url),
  )
}

/**
 * A WebSocket endpoint is asked by HTTP where it answers that too: most do, on the same port, and HTTP needs no
 * connection to be watched. The first of the two to answer is kept.
 */
function createEitherTransport(http: Transport, socket: Transport): Transport {
  let chosen: Transport | undefined
  return {
    async exchange(body, ids, limits) {
      if (chosen !== undefined) return chosen.exchange(body, ids, limits)
      try {
        const answer = await http.exchange(body, ids, limits)
        if (/^\s*[[{]/.test(answer)) {
          chosen = http
          return answer
        }
      } catch (error) {
        if (!(error instanceof OutsideError)) throw error
      }
      const answer = await socket.exchange(body, ids, limits)
      chosen = socket
      return answer
    },
    stop() {
      http.stop()
      socket.stop()
    },
  }
}
