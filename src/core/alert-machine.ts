/*
 * The life of one alert, as pure functions of its state, of what an evaluation saw, and of the instant.
 *
 * An alert begins when its element is present. It is pending until the element has been present for `for`, then firing.
 * Present means: nothing to do but watch the clock. Missing means: a pending alert is dropped without a word; a firing
 * one resolves, after the element has been missing for `keep_firing_for`. All of this is Prometheus' (rules/alerting.go).
 *
 * What Prometheus does not have is the third answer: the evaluation could not see. Prometheus takes it for missing and
 * says RESOLVED of a fault that is still there. Here the alert becomes unknown: it keeps what it is, and both its clocks
 * stand still from the moment it was lost. When the element is seen again, or seen to be missing, the clocks go on from
 * where they stood. After `unknown_after` people are told once that a firing alert cannot be seen; coming back is told to
 * machines only, as nothing new is wrong.
 *
 * A stopped process cannot see either. A state that comes back from storage is therefore unknown since the last
 * evaluation that is known to have seen the alert, so the time we were down counts for no clock and ends no alert.
 */

/** Where one alert stands. Inactive is the absence of a state. All times are milliseconds UTC. */
export interface AlertState {
  readonly phase: 'pending' | 'firing'
  /** When `for` began to count, moved on by the time the alert was unknown while pending. */
  readonly activeAt: number
  readonly firedAt: number | undefined
  /** The last evaluation that could see, whatever it saw. */
  readonly seenAt: number
  /** When the element of a firing alert went missing, moved on by the time it was unknown: `keep_firing_for` counts from it. */
  readonly missingSince: number | undefined
  readonly unknown: UnknownSpell | undefined
}

/** A stretch during which the alert could not be seen. */
interface UnknownSpell {
  /** When it was lost from sight: `unknown_after` counts from it. */
  readonly since: number
  /** Where the clocks stand. Earlier than `since` after a start: the time between was not watched by anybody. */
  readonly frozenAt: number
  /** People were told that it cannot be seen. */
  readonly isTold: boolean
}

export interface AlertTiming {
  readonly forMs: number
  readonly keepFiringForMs: number
  readonly unknownAfterMs: number
}

/** What an evaluation saw of an alert. `unseen`: it failed, or a part that the alert rests on could not be read. */
export type Sight = 'present' | 'missing' | 'unseen'

/** What happened to the alert. Only the words in capitals are for people: FIRED, LOST (cannot be seen), RESOLVED. */
type AlertTransition =
  | 'none'
  /** It exists since now and waits for its `for`. */
  | 'pending'
  /** FIRED. */
  | 'fired'
  /** It can no longer be seen; nobody is told yet. */
  | 'unseen'
  /** LOST: a firing alert has not been seen for `unknown_after`. */
  | 'lost'
  /** It can be seen again, as what it was. */
  | 'seen-again'
  /** A pending alert ended without ever firing. */
  | 'dropped'
  /** RESOLVED. */
  | 'resolved'

export interface AlertStep {
  /** Undefined: inactive. */
  readonly state: AlertState | undefined
  readonly transition: AlertTransition
}

/** What an evaluation found, before it is known what that means for one alert. */
export interface Finding {
  /** The whole evaluation failed: it gives neither presence nor absence. */
  readonly hasFailed: boolean
  readonly isPresent: boolean
  /** A part that the last true evaluation read could not be read. */
  readonly isBlind: boolean
}

/**
 * What a finding means for an alert.
 *
 * @param whenBlind `resolve` is Prometheus' behaviour: what gives no element is over, whatever could not be read
 */
export function sightOf(finding: Finding, whenBlind: 'unknown' | 'resolve'): Sight {
  if (finding.hasFailed) return 'unseen'
  if (finding.isPresent) return 'present'
  return finding.isBlind && whenBlind === 'unknown' ? 'unseen' : 'missing'
}

/**
 * The next state.
 *
 * @param at the instant of the evaluation; never before that of the last one
 */
export function advance(state: AlertState | undefined, sight: Sight, at: number, timing: AlertTiming): AlertStep {
  if (state === undefined) return sight === 'present' ? begin(at, timing) : { state: undefined, transition: 'none' }
  switch (sight) {
    case 'present':
      return goOn(state, at, timing)
    case 'missing':
      return fade(state, at, timing)
    case 'unseen':
      return lose(state, at, timing)
  }
}

/** A stored state as a new process takes it up at `at`: unknown until somebody has looked. */
export function resume(state: AlertState, at: number): AlertState {
  if (state.unknown?.isTold === true) return state
  const frozenAt = state.unknown?.frozenAt ?? state.seenAt
  return { ...state, unknown: { since: at, frozenAt, isTold: false } }
}

function begin(at: number, timing: AlertTiming): AlertStep {
  const state: AlertState = {
    phase: 'pending',
    activeAt: at,
    firedAt: undefined,
    seenAt: at,
    missingSince: undefined,
    unknown: undefined,
  }
  return timing.forMs <= 0 ? fire(state, at) : { state, transition: 'pending' }
}

function fire(state: AlertState, at: number): AlertStep {
  return { state: { ...state, phase: 'firing', firedAt: at }, transition: 'fired' }
}

function goOn(state: AlertState, at: number, timing: AlertTiming): AlertStep {
  const seen = { ...thaw(state, at), missingSince: undefined }
  if (seen.phase === 'pending' && at - seen.activeAt >= timing.forMs) return fire(seen, at)
  return { state: seen, transition: state.unknown === undefined ? 'none' : 'seen-again' }
}

function fade(state: AlertState, at: number, timing: AlertTiming): AlertStep {
  if (state.phase === 'pending') return { state: undefined, transition: 'dropped' }
  const seen = thaw(state, at)
  const missingSince = seen.missingSince ?? at
  if (at - missingSince >= timing.keepFiringForMs) return { state: undefined, transition: 'resolved' }
  return {
    state: { ...seen, missingSince },
    transition: state.unknown === undefined ? 'none' : 'seen-again',
  }
}

function lose(state: AlertState, at: number, timing: AlertTiming): AlertStep {
  const spell = state.unknown ?? { since: at, frozenAt: at, isTold: false }
  if (state.phase === 'firing' && !spell.isTold && at - spell.since >= timing.unknownAfterMs) {
    return { state: { ...state, unknown: { ...spell, isTold: true } }, transition: 'lost' }
  }
  return { state: { ...state, unknown: spell }, transition: state.unknown === undefined ? 'unseen' : 'none' }
}

/** The state as seen at `at`: the clock that runs, of `for` or `keep_firing_for`, leaves out the time it was unknown. */
function thaw(state: AlertState, at: number): AlertState {
  const stood = state.unknown === undefined ? 0 : Math.max(0, at - state.unknown.frozenAt)
  return {
    ...state,
    activeAt: state.phase === 'pending' ? state.activeAt + stood : state.activeAt,
    missingSince: state.missingSince === undefined ? undefined : state.missingSince + stood,
    seenAt: at,
    unknown: undefined,
  }
}
