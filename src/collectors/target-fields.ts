import { z } from 'zod'

import { durationSchema, labelsSchema } from '../lib/schema.ts'
import type { CollectorDefinition, TargetConfig } from './collector.ts'

const INTERVAL_MS_MIN = 100
const INTERVAL_MS_MAX = 120_000
const TIMEOUT_MS_MIN = 100
const TIMEOUT_MS_MAX = 10_000

/** Labels that Chainwarden writes itself; a target cannot set them. */
const OWN_LABELS = ['target', 'job', 'instance']

/**
 * The keys that every target has, whatever its type: spread into the `z.strictObject` of the type's own.
 *
 * @param type the type's name
 * @param interval how often it is asked unless the target says otherwise, as `2s`
 */
export function targetFields<Type extends string>(type: Type, interval: string) {
  return {
    type: z.literal(type).describe('What kind of thing is watched.'),
    name: z
      .string()
      .regex(/^[\w](?:[\w. /-]{0,98}[\w])?$/, 'a name has up to 100 letters, digits, spaces and . _ / -')
      .describe('The name of the target: unique, and the label `target` of all it brings.'),
    interval: durationSchema
      .refine((ms) => ms >= INTERVAL_MS_MIN && ms <= INTERVAL_MS_MAX, 'this must be from 100ms to 2m')
      .prefault(interval)
      .describe('How often it is asked.'),
    timeout: durationSchema
      .refine((ms) => ms >= TIMEOUT_MS_MIN && ms <= TIMEOUT_MS_MAX, 'this must be from 100ms to 10s')
      .prefault('5s')
      .describe('How long one answer may take.'),
    job: z.string().min(1).optional().describe('The label `job`; default: the name of the preset, else the type.'),
    labels: labelsSchema
      .refine((labels) => OWN_LABELS.every((name) => !(name in labels)), 'target, job and instance are set already')
      .default({})
      .describe('Added to every series, event and alert of this target.'),
    owner: z.string().optional().describe('Who looks after it; stands in every message.'),
    contact: z.string().optional().describe('How to reach them; stands in every message.'),
    runbook_url: z.url().optional().describe('What to do when it fails; stands in every message.'),
    depends_on: z
      .array(z.string())
      .default([])
      .describe(
        'Targets without which this one cannot be seen. Their names are checked; no alert is held back by it yet.',
      ),
    alert_on_history: z.boolean().default(false).describe('Also alert about what happened before the first start.'),
  }
}

/** Checks a definition against its own configuration, and lets it stand in the list of all types. */
export function defineCollector<Config extends TargetConfig>(
  definition: CollectorDefinition<Config>,
): CollectorDefinition<Config> {
  return definition
}
