import { z } from 'zod'

import { parseDuration } from '../../lib/duration.ts'
import { messageOf } from '../../lib/errors.ts'
import { durationSchema, labelsSchema } from '../../lib/schema.ts'
import { parseEventTemplate } from '../template.ts'
import { compileCel } from './cel.ts'

/** How far back matches are counted: in the chain's blocks, or in the chain's time. */
export type Window =
  | { readonly unit: 'blocks'; readonly blocks: number }
  | { readonly unit: 'time'; readonly ms: number }

const BLOCKS = /^(\d{1,9}) blocks?$/
const ATTRIBUTE = /^(?:event\.)?[A-Za-z_]\w*(?:\.\w+)*$/
const COUNT_MAX = 10_000

const celSchema = z.string().superRefine((text, context) => {
  try {
    compileCel(text)
  } catch (error) {
    context.addIssue({ code: 'custom', message: messageOf(error) })
  }
})

const windowSchema = z.string().transform((text, context): Window => {
  const blocks = BLOCKS.exec(text)?.[1]
  if (blocks !== undefined && Number(blocks) > 0) return { unit: 'blocks', blocks: Number(blocks) }
  const ms = parseDuration(text)
  if (ms !== undefined && ms > 0) return { unit: 'time', ms }
  context.addIssue({ code: 'custom', message: 'write a number of blocks (60 blocks) or a duration (10m)' })
  return z.NEVER
})

const templatesSchema = labelsSchema.superRefine((templates, context) => {
  for (const [name, template] of Object.entries(templates)) {
    try {
      parseEventTemplate(template)
    } catch (error) {
      context.addIssue({ code: 'custom', path: [name], message: `the template cannot be read: ${messageOf(error)}` })
    }
  }
})

const attributeSchema = z
  .string()
  .regex(ATTRIBUTE, 'this names an attribute of the event, as args.pool or block.number')
  .transform((path) => path.replace(/^event\./, '').split('.'))

const WHERE_HELP =
  'A CEL expression over `event`. An attribute that an event does not have makes it false. Decimal texts, as chain ' +
  'integers come, are integers of any size here: compare them with numbers (event.args.amount > 1000000000000000000). ' +
  'Regular expressions: re(text, pattern), in RE2.'

/** One rule that says which events raise an alert at once. */
export const eventRuleSchema = z
  .strictObject({
    alert: z.string().min(1, 'an alert needs a name').describe('The name of the alert; unique in its file.'),
    on: z.string().min(1).describe('The type of event, as evm.log.'),
    where: celSchema.optional().describe(WHERE_HELP),
    labels: templatesSchema.default({}).describe('Labels of the alert; templates with $event and $labels.'),
    annotations: templatesSchema.default({}).describe('Texts of the alert; templates with $event and $labels.'),
    resolve_after: durationSchema
      .optional()
      .describe('Closes the alert silently after this time. Default: 15m, unless resolve_on is set.'),
    resolve_on: z
      .strictObject({ on: z.string().min(1), where: celSchema.optional() })
      .optional()
      .describe('The event that resolves it: of the same target, and with the same values of `by`.'),
    by: z
      .record(z.string().regex(/^[a-zA-Z_]\w*$/, 'a label name has letters, digits and _'), attributeSchema)
      .optional()
      .describe('Label names to attributes: one alert per value instead of one per event.'),
    count: z.int().min(2).max(COUNT_MAX).optional().describe('Only when so many events match within `within`.'),
    within: windowSchema.optional().describe('With `count`: 60 blocks, or 10m of the chain’s own time.'),
  })
  .superRefine((rule, context) => {
    if (rule.count !== undefined && rule.within === undefined) {
      context.addIssue({ code: 'custom', path: ['count'], message: 'count needs within: 60 blocks, or 10m' })
    }
    if (rule.count === undefined && rule.within !== undefined) {
      context.addIssue({ code: 'custom', path: ['within'], message: 'within needs count: how many events' })
    }
    if (rule.resolve_after === 0) {
      context.addIssue({ code: 'custom', path: ['resolve_after'], message: 'this must be longer than 0s' })
    }
  })

export type EventRuleConfig = z.output<typeof eventRuleSchema>
