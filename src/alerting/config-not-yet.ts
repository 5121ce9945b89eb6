import { z } from 'zod'

/** A key that Alertmanager knows and we do not serve yet. Empty it changes nothing, so empty it may stand there. */
export function notYet(key: string): z.ZodType {
  return z
    .unknown()
    .optional()
    .refine(isEmpty, `${key} is not yet supported: remove it, or leave this part to an Alertmanager`)
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null) return true
  return Array.isArray(value) ? value.length === 0 : typeof value === 'object' && Object.keys(value).length === 0
}
