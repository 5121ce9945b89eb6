import { setTimeout as pause } from 'node:timers/promises'

import { messageOf } from '../../src/lib/errors.ts'

const POLL_MS = 25
/** Generous, because tests share two cores: it bounds a failure, it is no expectation. */
const PATIENCE_MS = 30_000

/**
 * Asks again and again until the answer is neither undefined nor false, and returns it. The one way in which tests of
 * real processes wait. When patience ends it says what was waited for, and what the last attempt said.
 */
export async function eventually<Answer>(
  what: string,
  ask: () => Promise<Answer> | Answer,
  patienceMs = PATIENCE_MS,
): Promise<Exclude<Answer, undefined | false>> {
  const givenUpAt = performance.now() + patienceMs
  for (;;) {
    const outcome = await attempt(ask)
    if ('answer' in outcome && isYes(outcome.answer)) return outcome.answer
    if (performance.now() > givenUpAt) {
      const last = 'problem' in outcome ? `: ${messageOf(outcome.problem)}` : ''
      throw new Error(`waited ${patienceMs} ms in vain until ${what}${last}`, {
        cause: 'problem' in outcome ? outcome.problem : undefined,
      })
    }
    await pause(POLL_MS)
  }
}

function isYes<Answer>(answer: Answer): answer is Exclude<Answer, undefined | false> {
  return answer !== undefined && answer !== false
}

async function attempt<Answer>(
  ask: () => Promise<Answer> | Answer,
): Promise<{ readonly answer: Answer } | { readonly problem: unknown }> {
  try {
    return { answer: await ask() }
  } catch (problem) {
    return { problem }
  }
}
