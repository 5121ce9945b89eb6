import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { advance, type AlertState, type AlertTiming, resume, type Sight, sightOf } from './alert-machine.ts'

type AlertTransition = ReturnType<typeof advance>['transition']

const MINUTE = 60_000
const DEFAULTS: AlertTiming = { forMs: 0, keepFiringForMs: 0, unknownAfterMs: 2 * MINUTE }

/** One letter per evaluation, a minute apart: + present, - missing, ? unseen. */
function run(evaluations: string, timing: Partial<AlertTiming> = {}): readonly AlertTransition[] {
  return trace(evaluations, timing).map(({ transition }) => transition)
}

function trace(evaluations: string, timing: Partial<AlertTiming> = {}) {
  let state: AlertState | undefined
  return evaluations.split('').map((letter, index) => {
    const step = advance(state, sightOfLetter(letter), index * MINUTE, { ...DEFAULTS, ...timing })
    state = step.state
    return step
  })
}

function sightOfLetter(letter: string): Sight {
  if (letter === '+') return 'present'
  return letter === '-' ? 'missing' : 'unseen'
}

describe('Prometheus’ life of an alert', () => {
  test.each<[string, string, Partial<AlertTiming>, readonly AlertTransition[]]>([
    ['fires at once without a for', '+', {}, ['fired']],
    ['says nothing while it goes on', '+++', {}, ['fired', 'none', 'none']],
    ['resolves when its element is missing', '+-', {}, ['fired', 'resolved']],
    ['is nothing where there never was an element', '-?', {}, ['none', 'none']],
    [
      'waits for its for, and fires when that is exactly over',
      '+++',
      { forMs: 2 * MINUTE },
      ['pending', 'none', 'fired'],
    ],
    ['starts its for again after a gap', '+-++', { forMs: MINUTE }, ['pending', 'dropped', 'pending', 'fired']],
    [
      'keeps firing for keep_firing_for',
      '+---',
      { keepFiringForMs: 2 * MINUTE },
      ['fired', 'none', 'none', 'resolved'],
    ],
    [
      'counts keep_firing_for from the last gap',
      '+-+--',
      { keepFiringForMs: 1.5 * MINUTE },
      ['fired', 'none', 'none', 'none', 'none'],
    ],
  ])('%s', (_, evaluations, timing, expected) => {
    expect(run(evaluations, timing)).toEqual(expected)
  })
})

describe('unknown', () => {
  test.each<[string, string, Partial<AlertTiming>, readonly AlertTransition[]]>([
    ['comes back without a word', '+?+', {}, ['fired', 'unseen', 'seen-again']],
    ['resolves once it is seen to be over', '+?-', {}, ['fired', 'unseen', 'resolved']],
    ['is told once after two minutes', '+?????', {}, ['fired', 'unseen', 'none', 'lost', 'none', 'none']],
    [
      'is told again in a new spell',
      '+???+???',
      {},
      ['fired', 'unseen', 'none', 'lost', 'seen-again', 'unseen', 'none', 'lost'],
    ],
    [
      'is never told of what only was pending',
      '+????',
      { forMs: MINUTE },
      ['pending', 'unseen', 'none', 'none', 'none'],
    ],
    [
      'holds the for while it lasts',
      '+??++',
      { forMs: 2 * MINUTE },
      ['pending', 'unseen', 'none', 'seen-again', 'fired'],
    ],
    ['drops what was pending and is seen to be over', '+?-', { forMs: MINUTE }, ['pending', 'unseen', 'dropped']],
    [
      'holds keep_firing_for while it lasts',
      '+-???--',
      { keepFiringForMs: 2 * MINUTE, unknownAfterMs: 9 * MINUTE },
      ['fired', 'none', 'unseen', 'none', 'none', 'seen-again', 'resolved'],
    ],
  ])('%s', (_, evaluations, timing, expected) => {
    expect(run(evaluations, timing)).toEqual(expected)
  })

  test('keeps when it fired and since when it is active', () => {
    const states = trace('+?????+').map(({ state }) => state)

    expect(new Set(states.map((state) => state?.firedAt))).toEqual(new Set([0]))
    expect(new Set(states.map((state) => state?.activeAt))).toEqual(new Set([0]))
  })
})

describe('what an evaluation found', () => {
  test.each([
    [{ hasFailed: true, isPresent: false, isBlind: false }, 'unknown', 'unseen'],
    [{ hasFailed: true, isPresent: false, isBlind: false }, 'resolve', 'unseen'],
    [{ hasFailed: false, isPresent: true, isBlind: true }, 'unknown', 'present'],
    [{ hasFailed: false, isPresent: false, isBlind: true }, 'unknown', 'unseen'],
    [{ hasFailed: false, isPresent: false, isBlind: true }, 'resolve', 'missing'],
    [{ hasFailed: false, isPresent: false, isBlind: false }, 'unknown', 'missing'],
  ] as const)('%j, when blind %s, is %s', (finding, whenBlind, expected) => {
    expect(sightOf(finding, whenBlind)).toBe(expected)
  })
})

describe('after a stop', () => {
  const hour = 60 * MINUTE

  test('the time we were down counts for no for', () => {
    const timing = { ...DEFAULTS, forMs: 10 * MINUTE }
    const before = advance(advance(undefined, 'present', 0, timing).state, 'present', 4 * MINUTE, timing).state
    if (before === undefined) throw new Error('it is pending')
    const back = resume(before, 4 * MINUTE + hour)

    const first = advance(back, 'present', 5 * MINUTE + hour, timing)
    const early = advance(first.state, 'present', 10 * MINUTE + hour, timing)
    const due = advance(early.state, 'present', 11 * MINUTE + hour, timing)

    expect([first, early, due].map(({ transition }) => transition)).toEqual(['seen-again', 'none', 'fired'])
  })

  test('a firing alert is told as lost only when it was not seen for two minutes since the start', () => {
    const fired = advance(undefined, 'present', 0, DEFAULTS).state
    if (fired === undefined) throw new Error('it fires')
    const back = resume(fired, hour)

    const first = advance(back, 'unseen', hour + MINUTE, DEFAULTS)
    const second = advance(first.state, 'unseen', hour + 2 * MINUTE, DEFAULTS)

    expect([first.transition, second.transition]).toEqual(['none', 'lost'])
  })

  test('what was told as lost is not told again', () => {
    const lost = trace('+???').at(-1)?.state
    if (lost === undefined) throw new Error('it is lost')

    expect(advance(resume(lost, hour), 'unseen', 2 * hour, DEFAULTS).transition).toBe('none')
  })
})

function walk(seen: readonly Sight[], waits: readonly number[], timing: AlertTiming) {
  let state: AlertState | undefined
  let at = 0
  return seen.map((sight, index) => {
    at += waits[index] ?? 0
    const before = state
    const step = advance(before, sight, at, timing)
    state = step.state
    return { sight, at, before, ...step }
  })
}

describe('whatever is seen in whatever order', () => {
  const sights = fc.array(fc.constantFrom<Sight>('present', 'missing', 'unseen'), { maxLength: 60 })
  const gaps = fc.array(fc.integer({ min: 0, max: 5 * MINUTE }), { minLength: 60, maxLength: 60 })
  const timings = fc.record({
    forMs: fc.integer({ min: 0, max: 10 * MINUTE }),
    keepFiringForMs: fc.integer({ min: 0, max: 10 * MINUTE }),
    unknownAfterMs: fc.constant(2 * MINUTE),
  })

  test('nothing begins or ends while it cannot be seen', () => {
    fc.assert(
      fc.property(sights, gaps, timings, (seen, waits, timing) => {
        const unseen = walk(seen, waits, timing).filter(({ sight }) => sight === 'unseen')
        expect(unseen.map(({ state }) => state?.phase)).toEqual(unseen.map(({ before }) => before?.phase))
      }),
    )
  })

  test('it fires exactly when the time it was watched while present reaches its for', () => {
    fc.assert(
      fc.property(sights, gaps, timings, (seen, waits, timing) => {
        let watched: number | undefined
        let last: Sight = 'missing'
        let lastAt = 0
        for (const { sight, at, before, transition } of walk(seen, waits, timing)) {
          if (before?.phase === 'firing') watched = undefined
          else if (sight === 'missing') watched = undefined
          else if (watched === undefined) watched = sight === 'present' ? 0 : undefined
          else if (last === 'present') watched += at - lastAt
          const mustFire = before?.phase !== 'firing' && sight === 'present' && (watched ?? -1) >= timing.forMs
          expect(transition === 'fired').toBe(mustFire)
          last = sight
          lastAt = at
        }
      }),
    )
  })

  test('each firing is followed by exactly one end', () => {
    fc.assert(
      fc.property(sights, gaps, timings, (seen, waits, timing) => {
        const told = walk(seen, waits, timing)
          .map(({ transition }) => transition)
          .filter((transition) => transition === 'fired' || transition === 'resolved')
        expect(told).toEqual(told.map((_, index) => (index % 2 === 0 ? 'fired' : 'resolved')))
      }),
    )
  })

  test('only what fires is told as lost, and once until it is seen again', () => {
    fc.assert(
      fc.property(sights, gaps, timings, (seen, waits, timing) => {
        let isTold = false
        for (const { sight, before, transition } of walk(seen, waits, timing)) {
          const mayBeTold = !isTold && before?.phase === 'firing' && sight === 'unseen'
          expect(transition === 'lost' && !mayBeTold).toBe(false)
          isTold = transition === 'lost' || (isTold && sight === 'unseen')
        }
      }),
    )
  })
})
