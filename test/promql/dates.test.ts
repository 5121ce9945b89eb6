import fc from 'fast-check'
import { expect, test } from 'vitest'

import { createQueryEngine, parseExpr, type QueryResult } from '../../src/promql/index.ts'
import { createScriptStore } from './runner/store.ts'

const engine = createQueryEngine({
  source: createScriptStore(),
  limits: { samples: 1000, steps: 10, timeMs: 1000 },
  clock: { monotonic: () => 0, yield: async () => Promise.resolve() },
  defaultSubqueryStepMs: 60_000,
})

function ask(fn: string, seconds: number): number | undefined {
  const result = engine.instant(parseExpr(`${fn}(vector(${seconds}))`), 0)
  return 'then' in result ? undefined : valueOf(result)
}

function valueOf({ value }: QueryResult): number | undefined {
  return value.type === 'vector' ? value.elements[0]?.value : undefined
}

test('the parts of every second of three thousand years are those of the calendar', () => {
  fc.assert(
    fc.property(fc.integer({ min: -60_000_000_000, max: 40_000_000_000 }), (seconds) => {
      const date = new Date(seconds * 1000)
      const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()]
      const yearStart = new Date(0).setUTCFullYear(year, 0, 1)

      expect({
        year: ask('year', seconds),
        month: ask('month', seconds),
        day: ask('day_of_month', seconds),
        weekday: ask('day_of_week', seconds),
        dayOfYear: ask('day_of_year', seconds),
        daysInMonth: ask('days_in_month', seconds),
        hour: ask('hour', seconds),
        minute: ask('minute', seconds),
      }).toEqual({
        year,
        month: month + 1,
        day: date.getUTCDate(),
        weekday: date.getUTCDay(),
        dayOfYear: Math.floor((seconds * 1000 - yearStart) / 86_400_000) + 1,
        daysInMonth: new Date(new Date(0).setUTCFullYear(year, month + 1, 0)).getUTCDate(),
        hour: date.getUTCHours(),
        minute: date.getUTCMinutes(),
      })
    }),
    { numRuns: 500 },
  )
})
