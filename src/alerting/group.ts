import { type Alert, severityRank } from '../core/alert.ts'
import type { Labels } from '../core/labels.ts'
import type { Route } from '../core/route.ts'
import type { FirstMessage } from './config.ts'
import type { Overlay } from './overlay.ts'

/*
 * The stage that decides when a group speaks.
 *
 * A group is the alerts that one route brings together under the same group labels. It is silent until its first
 * message, `told` afterwards, and it is gone when its last member is.
 *
 * With `first_message: immediate` the first alert opens the group and is told at once: that instant is t0, and ticks
 * follow it at every `group_interval`. What joins before t0 + `group_wait` is gathered and told together then. What
 * joins later is told at once while there are tokens, else at the next tick: a group has three tokens and gets one back
 * each `group_interval`. An alert more severe than any told may use a token also while joiners are gathered. That an
 * alert can no longer be seen is news of the same kind, without the gathering. Members that end wait for the tick,
 * always: what fires again before it was never over for those who were told.
 *
 * With `first_message: wait` it is Alertmanager's: the first message comes `group_wait` after the first alert (at once
 * when that alert is older), everything else at ticks, which count from the first message.
 *
 * What still fires is repeated at the first tick after `repeat_interval` without a word. Whatever makes a group speak,
 * it tells everything it knows; what that is, is decided by the next stage (`dedup.ts`).
 *
 * A group whose route has left the configuration is retired: nobody joins it, it repeats nothing, and it lives until
 * its receiver was told of the end of every member it was told about.
 */

/** Who a group is. */
export interface GroupIdentity {
  /** Unique: of the route and the labels. The key of its row. */
  readonly key: string
  /** Alertmanager's. */
  readonly groupKey: string
  readonly receiver: string
  readonly labels: Labels
  readonly routeId: string
}

/** What a group remembers beside its members. All times are milliseconds UTC. */
export interface GroupTimers {
  /** When it was opened; t0. Ticks count from `tickedFrom`. */
  readonly openedAt: number
  readonly tickedFrom: number
  readonly isTold: boolean
  readonly toldAt: number
  /** The rank of the most severe member in the last message; -1 before the first. */
  readonly toldRank: number
  readonly tokens: number
  readonly tokensAt: number
  readonly dueAt: number | undefined
  /** The destinations that were told, so that one added later first hears of what fires. */
  readonly destinations: readonly string[]
}

/** One alert in one group. */
export interface Member {
  /** As last seen. With an end while its end waits to be told. */
  readonly alert: Alert
  /** It was in a message as firing. Only what is closed can end untold: it is still told that it fired. */
  readonly isTold: boolean
  /** It was in a message as one that cannot be seen. */
  readonly isUnknownTold: boolean
}

export interface Group {
  readonly identity: GroupIdentity
  /** Undefined: retired. */
  readonly route: Route | undefined
  readonly timers: GroupTimers
  readonly members: Map<string, Member>
}

/** A group while a plan is made. */
export interface GroupDraft {
  readonly identity: GroupIdentity
  readonly route: Route | undefined
  timers: GroupTimers
  readonly members: Overlay<string, Member>
  /** What happened to it in this plan and was not decided on yet. */
  news: GroupNews
}

/** News of one plan that may make a group speak at once. */
export interface GroupNews {
  /** The rank of the most severe new member; -1: nobody joined. */
  readonly joinedRank: number
  readonly hasUnknown: boolean
  readonly hasEnded: boolean
}

export const NO_NEWS: GroupNews = { joinedRank: -1, hasUnknown: false, hasEnded: false }

const TOKENS_MAX = 3

export function openTimers(now: number): GroupTimers {
  return {
    openedAt: now,
    tickedFrom: now,
    isTold: false,
    toldAt: 0,
    toldRank: -1,
    tokens: TOKENS_MAX,
    tokensAt: now,
    dueAt: undefined,
    destinations: [],
  }
}

/** What a group does about its news: speak now, or when its timers say so. */
export interface Decision {
  readonly speaksNow: boolean
  readonly timers: GroupTimers
}

/** Decides on the news of a plan. Pure: the timers that come out hold the token that was used and the next due time. */
export function decide(
  group: Pick<GroupDraft, 'timers' | 'route' | 'news'>,
  mode: FirstMessage,
  now: number,
): Decision {
  const { timers, route, news } = group
  if (route === undefined) return wait(timers, news.hasEnded ? now : undefined)
  if (!timers.isTold) {
    if (mode === 'immediate') return { speaksNow: true, timers }
    return wait(timers, timers.openedAt + route.groupWaitMs)
  }
  const isGathering = mode === 'immediate' && now < timers.openedAt + route.groupWaitMs
  const hasJoined = news.joinedRank >= 0
  const isUrgent = news.hasUnknown || news.joinedRank > timers.toldRank || (hasJoined && !isGathering)
  if (mode === 'immediate' && isUrgent) {
    const refilled = refill(timers, route, now)
    if (refilled.tokens > 0) return { speaksNow: true, timers: { ...refilled, tokens: refilled.tokens - 1 } }
  }
  const gatheredAt = hasJoined && isGathering ? timers.openedAt + route.groupWaitMs : undefined
  const tickAt = news.hasUnknown || news.hasEnded || hasJoined ? tickAfter(timers, route, now) : undefined
  return wait(timers, earliest(gatheredAt, tickAt))
}

function wait(timers: GroupTimers, until: number | undefined): Decision {
  const dueAt = earliest(timers.dueAt, until)
  return { speaksNow: false, timers: dueAt === timers.dueAt ? timers : { ...timers, dueAt } }
}

/** The timers of a group that has just been looked at, whether it spoke or had nothing to say. */
export function rearm(group: Pick<GroupDraft, 'timers' | 'route' | 'members'>, now: number): GroupTimers {
  const { timers, route } = group
  if (route === undefined) return { ...timers, dueAt: undefined }
  let isFiring = false
  let isEndWaiting = false
  for (const { alert } of group.members.values()) {
    if (alert.endsAt === undefined) isFiring = true
    else isEndWaiting = true
  }
  const repeatAt = isFiring ? tickAfter(timers, route, timers.toldAt + route.repeatIntervalMs - 1) : undefined
  return { ...timers, dueAt: earliest(repeatAt, isEndWaiting ? tickAfter(timers, route, now) : undefined) }
}

/** The timers after a message that told of `firing`. */
export function markTold(timers: GroupTimers, firing: readonly Alert[], now: number): GroupTimers {
  const toldRank = firing.reduce((highest, alert) => Math.max(highest, rankOf(alert)), -1)
  const first = timers.isTold ? {} : { openedAt: now, tickedFrom: now, isTold: true, tokensAt: now }
  return { ...timers, ...first, toldAt: now, toldRank }
}

/** The first tick after an instant. A clock that was set back makes nobody wait longer than one interval. */
function tickAfter(timers: GroupTimers, route: Route, at: number): number {
  const passed = Math.max(0, Math.floor((at - timers.tickedFrom) / route.groupIntervalMs))
  const tick = timers.tickedFrom + (passed + 1) * route.groupIntervalMs
  return Math.min(tick, at + route.groupIntervalMs)
}

function refill(timers: GroupTimers, route: Route, now: number): GroupTimers {
  const gained = Math.max(0, Math.floor((now - timers.tokensAt) / route.groupIntervalMs))
  const tokens = Math.min(TOKENS_MAX, timers.tokens + gained)
  return { ...timers, tokens, tokensAt: timers.tokensAt + gained * route.groupIntervalMs }
}

export function earliest(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return a ?? b
  return Math.min(a, b)
}

export function rankOf(alert: Alert): number {
  return severityRank(alert.labels)
}
