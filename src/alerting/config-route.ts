import { z } from 'zod'

import { parseMatchers } from '../core/matcher-text.ts'
import { createMatcher, type Matcher } from '../core/matcher.ts'
import { matchersText, type Route } from '../core/route.ts'
import { messageOf } from '../lib/errors.ts'
import { durationSchema } from '../lib/schema.ts'
import { notYet } from './config-not-yet.ts'

/** A route as it is written; what is left out is inherited. */
export interface RouteOptions {
  readonly receiver?: string | undefined
  readonly group_by?: readonly string[] | null | undefined
  readonly match: readonly Matcher[]
  readonly match_re: readonly Matcher[]
  readonly matchers: readonly Matcher[]
  readonly continue: boolean
  readonly group_wait?: number | undefined
  readonly group_interval?: number | undefined
  readonly repeat_interval?: number | undefined
  readonly routes?: readonly RouteOptions[] | null | undefined
}

const positiveDuration = durationSchema.refine((ms) => ms > 0, 'this must be longer than 0')
const scalarText = z.union([z.string(), z.number(), z.boolean()]).transform(String)

const matchersSchema = z
  .array(z.string())
  .nullish()
  .transform((texts, context) =>
    (texts ?? []).flatMap((text, index) => {
      try {
        return parseMatchers(text)
      } catch (error) {
        context.addIssue({ code: 'custom', message: messageOf(error), path: [index] })
        return []
      }
    }),
  )

/** `match` and `match_re`, from before there were `matchers`. */
function oldMatchersSchema(operator: '=' | '=~') {
  return z
    .record(z.string(), scalarText)
    .nullish()
    .transform((map, context) =>
      Object.entries(map ?? {}).flatMap(([name, value]) => {
        try {
          // Alertmanager keeps these expressions with their anchors, and group keys show them so.
          return [createMatcher(name, operator, operator === '=' ? value : `^(?:${value})$`)]
        } catch (error) {
          context.addIssue({ code: 'custom', message: `no regular expression: ${messageOf(error)}`, path: [name] })
          return []
        }
      }),
    )
}

const groupBySchema = z
  .array(z.string().min(1))
  .nullish()
  .superRefine((names, context) => {
    if (names === null || names === undefined) return
    if (names.includes('...') && names.length > 1) {
      context.addIssue({ code: 'custom', message: "'...' stands for every label and cannot stand beside others" })
    }
    const twice = names.filter((name, index) => names.indexOf(name) !== index)
    for (const name of new Set(twice)) context.addIssue({ code: 'custom', message: `${name} stands here twice` })
  })

export const routeSchema: z.ZodType<RouteOptions> = z.strictObject({
  receiver: z.string().min(1).optional().describe('Who is told. Inherited.'),
  group_by: groupBySchema.describe("Labels that make a group; ['...'] for every label. Inherited."),
  matchers: matchersSchema.describe('All of these must match: severity="critical", team=~"a|b".'),
  match: oldMatchersSchema('=').describe('The old way to write matchers with =.'),
  match_re: oldMatchersSchema('=~').describe('The old way to write matchers with =~.'),
  continue: z.boolean().default(false).describe('Also try the routes after this one.'),
  group_wait: durationSchema.optional().describe('How long joiners of a new group are gathered. Default 30s.'),
  group_interval: positiveDuration.optional().describe('How long later changes are gathered. Default 5m.'),
  repeat_interval: positiveDuration.optional().describe('After how long what still fires is told again. Default 4h.'),
  routes: z
    .lazy(() => z.array(routeSchema))
    .nullish()
    .describe('Routes below this one; the first that matches wins.'),
  mute_time_intervals: notYet('mute_time_intervals'),
  active_time_intervals: notYet('active_time_intervals'),
  labels: notYet('labels'),
})

const DEFAULTS: Pick<Route, 'key' | 'receiver' | 'groupBy' | 'groupWaitMs' | 'groupIntervalMs' | 'repeatIntervalMs'> = {
  key: '',
  receiver: '',
  groupBy: [],
  groupWaitMs: 30_000,
  groupIntervalMs: 300_000,
  repeatIntervalMs: 14_400_000,
}

/** The tree with everything inherited; the defaults of the root are Alertmanager's. */
export function buildRoute(options: RouteOptions): Route {
  const seen = new Map<string, number>()
  return buildBelow(options, DEFAULTS, seen)
}

function buildBelow(options: RouteOptions, parent: typeof DEFAULTS, seen: Map<string, number>): Route {
  const matchers = [...options.match, ...options.match_re, ...options.matchers]
  const key = `${parent.key === '' ? '' : `${parent.key}/`}${matchersText(matchers)}`
  const receiver = options.receiver ?? parent.receiver
  const inherited = {
    key,
    receiver,
    groupBy: groupByOf(options.group_by) ?? parent.groupBy,
    groupWaitMs: options.group_wait ?? parent.groupWaitMs,
    groupIntervalMs: options.group_interval ?? parent.groupIntervalMs,
    repeatIntervalMs: options.repeat_interval ?? parent.repeatIntervalMs,
  }
  return {
    ...inherited,
    id: uniqueId([receiver, key, ...namesOf(inherited.groupBy)].join('|'), seen),
    matchers,
    continues: options.continue,
    routes: (options.routes ?? []).map((child) => buildBelow(child, inherited, seen)),
  }
}

function groupByOf(names: readonly string[] | null | undefined): Route['groupBy'] | undefined {
  if (names === null || names === undefined) return undefined
  return names.includes('...') ? 'all' : names
}

function namesOf(groupBy: Route['groupBy']): readonly string[] {
  return groupBy === 'all' ? ['...'] : groupBy.toSorted()
}

/** Routes that are the same in all of this are told apart by their order. */
function uniqueId(id: string, seen: Map<string, number>): string {
  const count = (seen.get(id) ?? 0) + 1
  seen.set(id, count)
  return count === 1 ? id : `${id}#${count}`
}
