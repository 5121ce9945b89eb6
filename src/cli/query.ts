import { z } from 'zod'

import { withProcess } from './asking.ts'
import { EXIT } from './exit.ts'
import type { CommandContext } from './index.ts'
import { parseOptions } from './options.ts'
import { formatTable } from './table.ts'

const options = z.object({
  config: z.string(),
  envFile: z.string().optional(),
  time: z.string().optional(),
  json: z.boolean().default(false),
})

const point = z.tuple([z.number(), z.string()])
const metric = z.record(z.string(), z.string())
const data = z.discriminatedUnion('resultType', [
  z.object({ resultType: z.literal('vector'), result: z.array(z.object({ metric, value: point })) }),
  z.object({ resultType: z.literal('matrix'), result: z.array(z.object({ metric, values: z.array(point) })) }),
  z.object({ resultType: z.literal('scalar'), result: point }),
  z.object({ resultType: z.literal('string'), result: point }),
])
const queryAnswer = z.object({
  data,
  warnings: z.array(z.string()).default([]),
  infos: z.array(z.string()).default([]),
})

/** `query`: one PromQL expression, now or at a time. */
export async function query(context: CommandContext, expression: string, given: unknown): Promise<number> {
  const asked = parseOptions(options, given)
  await withProcess(context, asked, async ({ get }) => {
    const parameters = new URLSearchParams({ query: expression })
    if (asked.time !== undefined) parameters.set('time', asked.time)
    const answer = await get(`/api/v1/query?${parameters.toString()}`, queryAnswer)
    context.console.out(asked.json ? `${JSON.stringify(answer.data, null, 2)}\n` : describe(answer.data))
    for (const note of [...answer.warnings, ...answer.infos]) context.console.error(`${note}\n`)
  })
  return EXIT.fine
}

function describe(answer: z.output<typeof data>): string {
  switch (answer.resultType) {
    case 'vector':
      return table(answer.result.map(({ metric: labels, value }) => [seriesText(labels), value[1]]))
    case 'matrix':
      return table(
        answer.result.flatMap(({ metric: labels, values }) =>
          values.map(([at, value]) => [seriesText(labels), `${value} @ ${at}`]),
        ),
      )
    case 'scalar':
    case 'string':
      return `${answer.result[1]}\n`
  }
}

function table(rows: readonly (readonly string[])[]): string {
  return rows.length === 0 ? 'No series.\n' : formatTable(rows, 200)
}

function seriesText({ __name__: name = '', ...labels }: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}=${JSON.stringify(value)}`)
  return pairs.length === 0 && name !== '' ? name : `${name}{${pairs.join(', ')}}`
}
