import { z } from 'zod'

import { parseDuration } from './duration.ts'
import { Secret } from './secret.ts'

/** A duration in Prometheus' notation (`500ms`, `1h30m`, `0`), as milliseconds. */
export const durationSchema = z.union([z.string(), z.literal(0)]).transform((text, context) => {
  const ms = parseDuration(String(text))
  if (ms !== undefined) return ms
  context.addIssue({ code: 'custom', message: 'this is no duration: write it as 500ms, 10s, 5m, 1h30m or 7d' })
  return z.NEVER
})

/** A text that must never be shown. A number is taken as it stands, as unquoted tokens may be read as one. */
export const secretSchema = z.union([z.string().min(1), z.number()]).transform((text) => new Secret(String(text)))

/** Label names to values; a value that YAML read as a number or a boolean is taken as text. */
export const labelsSchema = z.record(
  z.string().regex(/^[a-zA-Z_][a-zA-Z0-9_]*$/, 'a label name has letters, digits and _ and starts with no digit'),
  z.union([z.string(), z.number(), z.boolean()]).transform(String),
)
