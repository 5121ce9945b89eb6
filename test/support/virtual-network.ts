import type { WebSocketConnection, WebSocketHandlers } from '../../src/lib/world.ts'

/** The other side of `fetch`. Throwing is a failed connection; what it waits for, it waits for on the virtual clock. */
export type FetchScript = (request: Request) => Response | Promise<Response>

/** The other side of one WebSocket. Nothing it says arrives before the turn in which it was said is over. */
export interface VirtualSocket {
  readonly url: string
  open(): void
  send(text: string): void
  close(): void
  /** Tells `listener` what the client sends; one listener at a time. */
  onMessage(listener: (text: string) => void): void
  /** Tells `listener` that the client closed the connection. */
  onClose(listener: () => void): void
}

export type WebSocketScript = (socket: VirtualSocket) => void

/** The network of a virtual world. */
export interface VirtualNetwork {
  readonly fetch: typeof globalThis.fetch
  readonly openWebSocket: (url: string, handlers: WebSocketHandlers) => WebSocketConnection
  /** Who answers from now on. Before the first script every connection is refused. */
  readonly onFetch: (script: FetchScript) => void
  /** Who answers WebSockets from now on. Before the first script each is closed before it opens. */
  readonly onWebSocket: (script: WebSocketScript) => void
}

/** Answers by the scripts of a test. Once `isAlive` says no, nothing arrives any more. */
export function createVirtualNetwork(isAlive: () => boolean): VirtualNetwork {
  let fetchScript: FetchScript = refuse
  let webSocketScript: WebSocketScript = closeAtOnce
  return {
    async fetch(input, init) {
      return isAlive() ? answer(fetchScript, isAlive, input, init) : forever()
    },
    openWebSocket: (url, handlers) => connect({ url, handlers, script: webSocketScript, isAlive }),
    onFetch(script) {
      fetchScript = script
    },
    onWebSocket(script) {
      webSocketScript = script
    },
  }
}

function closeAtOnce(socket: VirtualSocket): void {
  socket.close()
}

function ignore(): void {}

/** What a dead process waits for. */
export async function forever(): Promise<never> {
  return new Promise(() => undefined)
}

function refuse(request: Request): never {
  const cause = Object.assign(new Error(`connect ECONNREFUSED ${request.url}`), { code: 'ECONNREFUSED' })
  throw new TypeError('fetch failed', { cause })
}

async function answer(
  script: FetchScript,
  isAlive: () => boolean,
  input: string | URL | Request,
  init?: RequestInit,
): Promise<Response> {
  const signal = init?.signal ?? undefined
  signal?.throwIfAborted()
  const request = new Request(input, { ...init, signal: null })
  return new Promise((resolve, reject) => {
    const settle = (deliver: () => void) => {
      signal?.removeEventListener('abort', abort)
      if (isAlive()) deliver()
    }
    function abort(): void {
      settle(() => reject(signal?.reason))
    }
    signal?.addEventListener('abort', abort, { once: true })
    // A script may throw at once: inside a promise that is a rejection, as a real connection would.
    const answered = Promise.resolve(request).then(script)
    answered.then(
      (response) => settle(() => resolve(response)),
      (error: unknown) => settle(() => reject(error)),
    )
  })
}

interface Connecting {
  readonly url: string
  readonly handlers: WebSocketHandlers
  readonly script: WebSocketScript
  readonly isAlive: () => boolean
}

function connect({ url, handlers, script, isAlive }: Connecting): WebSocketConnection {
  let isClosed = false
  let toldMessage: (text: string) => void = ignore
  let toldClose: () => void = ignore

  function later(deliver: () => void): void {
    queueMicrotask(() => {
      if (isAlive()) deliver()
    })
  }

  function whileOpen(deliver: () => void): void {
    later(() => {
      if (!isClosed) deliver()
    })
  }

  function end(tell: () => void): void {
    if (isClosed) return
    isClosed = true
    tell()
    handlers.onClose()
  }

  later(() =>
    script({
      url,
      open: () => whileOpen(handlers.onOpen),
      send: (text) => whileOpen(() => handlers.onMessage(text)),
      close: () => later(() => end(ignore)),
      onMessage(listener) {
        toldMessage = listener
      },
      onClose(listener) {
        toldClose = listener
      },
    }),
  )
  return {
    send: (text) => whileOpen(() => toldMessage(text)),
    close: () => later(() => end(toldClose)),
  }
}
