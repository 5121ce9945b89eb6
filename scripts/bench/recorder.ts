import { createServer, type IncomingMessage } from 'node:http'

import { z } from 'zod'

/** A question to a node, as it was sent. */
export interface Question {
  readonly method: string
  readonly params: readonly unknown[]
}

/** Stands between a client and a node, passes everything on, and remembers what was asked. */
export interface Recorder {
  readonly url: string
  questions(): readonly Question[]
  stop(): Promise<void>
}

const questionSchema = z.object({ method: z.string(), params: z.array(z.unknown()) })
const bodySchema = z.union([z.array(questionSchema), questionSchema.transform((question) => [question])])

export async function startRecorder(nodeUrl: string, isWanted: (method: string) => boolean): Promise<Recorder> {
  const questions: Question[] = []
  const server = createServer((incoming, outgoing) => {
    pass(incoming)
      .then((answer) => outgoing.writeHead(200, { 'content-type': 'application/json' }).end(answer))
      .catch(() => outgoing.destroy())
  })

  async function pass(incoming: IncomingMessage): Promise<string> {
    const chunks: Uint8Array[] = []
    const stream: AsyncIterable<Uint8Array> = incoming
    for await (const chunk of stream) chunks.push(chunk)
    const body = Buffer.concat(chunks).toString()
    questions.push(...bodySchema.parse(JSON.parse(body)).filter(({ method }) => isWanted(method)))
    const answer = await fetch(nodeUrl, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
    return answer.text()
  }

  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return {
    url: `http://127.0.0.1:${port}`,
    questions: () => questions,
    async stop() {
      server.closeAllConnections()
      await new Promise<void>((resolve) => {
        server.close(() => resolve())
      })
    },
  }
}
