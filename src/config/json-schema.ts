import { z } from 'zod'

import { alertingSchema } from '../alerting/index.ts'
import { channels } from '../channels/index.ts'
import { collectors } from '../collectors/index.ts'
import { eventRuleSchema } from '../rules/index.ts'
import { rootSchema } from './schema.ts'

const TITLE = 'chainwarden.yaml'

/** The JSON Schema of the configuration, as it is written: for editors, for forms, for the reference. */
export function configJsonSchema(): Readonly<Record<string, unknown>> {
  const targets = collectors.map(({ schema }) => inputSchema(schema))
  const root = inputSchema(rootSchema)
  // What refers to itself refers from the root of the document, so it has to be defined there.
  const { $defs: definitions, ...alerting } = inputSchema(alertingSchema(channels))
  return {
    ...root,
    title: TITLE,
    properties: {
      ...(isMap(root['properties']) ? root['properties'] : {}),
      targets: { type: 'array', items: { anyOf: targets }, description: 'What is watched.' },
      event_rules: { type: 'array', items: inputSchema(eventRuleSchema) },
      alerting: { anyOf: [{ $ref: '#/$defs/alertingFile' }, alerting] },
    },
    $defs: {
      ...(isMap(definitions) ? definitions : {}),
      alertingFile: {
        type: 'object',
        required: ['file'],
        properties: { file: { type: 'string', description: 'An alertmanager.yml, read as it stands.' } },
      },
    },
  }
}

function inputSchema(schema: z.ZodType): Readonly<Record<string, unknown>> {
  const { $schema: _dialect, ...json } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })
  return json
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
