import { expect, test } from 'vitest'
import { z } from 'zod'

import { ConfigError } from '../lib/errors.ts'
import { parseOptions } from './options.ts'

const schema = z.object({ envFile: z.string().optional(), limit: z.coerce.number().int().min(1) })

test('a wrong value is a sentence that names its option as it is written', () => {
  expect(() => parseOptions(schema, { envFile: 3, limit: 'many' })).toThrow(ConfigError)
  expect(() => parseOptions(schema, { envFile: 3, limit: 'many' })).toThrow(/^--env-file: .+\n--limit: .+$/)
})

test('a right value is taken', () => {
  expect(parseOptions(schema, { limit: '5' })).toEqual({ limit: 5 })
})
