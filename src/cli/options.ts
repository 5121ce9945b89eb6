import type { z } from 'zod'

import { ConfigError } from '../lib/errors.ts'

/**
 * What a command was given, checked.
 *
 * @throws ConfigError with a sentence for each option that has a wrong value
 */
export function parseOptions<Schema extends z.ZodType>(schema: Schema, given: unknown): z.output<Schema> {
  const parsed = schema.safeParse(given)
  if (parsed.success) return parsed.data
  throw new ConfigError(
    parsed.error.issues.map(({ path, message }) => ({
      path: `--${path.map(String).map(dashed).join('.')}`,
      message: message.charAt(0).toLowerCase() + message.slice(1),
    })),
  )
}

/** `envFile` is written `--env-file`. */
function dashed(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}
