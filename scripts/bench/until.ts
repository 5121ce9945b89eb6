import { setTimeout as pause } from 'node:timers/promises'

/** Asks until there is an answer. The first error ends it: a benchmark that goes on past one measures something else. */
export async function until<Answer>(
  what: string,
  ask: () => Promise<Answer | undefined>,
  { everyMs, patienceMs }: { readonly everyMs: number; readonly patienceMs: number },
): Promise<Answer> {
  const givenUpAt = performance.now() + patienceMs
  for (;;) {
    const answer = await ask()
    if (answer !== undefined) return answer
    if (performance.now() > givenUpAt) throw new Error(`waited ${patienceMs} ms in vain until ${what}`)
    await pause(everyMs)
  }
}
