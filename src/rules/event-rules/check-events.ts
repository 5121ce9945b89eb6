import { z } from 'zod'

import type { EventTable } from '../../core/event.ts'
import { compileCel } from './cel.ts'
import type { EventRuleConfig } from './schema.ts'

/** What is wrong with a list of event rules; the path is below the list. */
export interface EventRuleFault {
  readonly path: readonly (string | number)[]
  readonly message: string
}

/** Every attribute an event can have (design.md section 4); what stands below `args` is up to the type of the event. */
const ATTRIBUTES: Readonly<Record<string, readonly string[] | 'any' | 'none'>> = {
  type: 'none',
  name: 'none',
  target: 'none',
  labels: 'any',
  time: 'none',
  id: 'none',
  args: 'any',
  block: ['number', 'hash', 'time'],
  tx: ['hash', 'index'],
  log_index: 'none',
  address: 'none',
  chain_id: 'none',
}

/**
 * Checks the rules of one file against each other and against the events that exist: names given twice, unknown types,
 * and attributes that an event of that type never has.
 */
export function checkEventRules(rules: readonly EventRuleConfig[], events: EventTable): readonly EventRuleFault[] {
  return rules.flatMap((rule, index) => [
    ...checkName(rules, index),
    ...checkType(rule.on, [index, 'on'], events),
    ...checkWhere(rule.on, rule.where, [index, 'where'], events),
    ...checkBy(rule, index, events),
    ...(rule.resolve_on === undefined
      ? []
      : [
          ...checkType(rule.resolve_on.on, [index, 'resolve_on', 'on'], events),
          ...checkWhere(rule.resolve_on.on, rule.resolve_on.where, [index, 'resolve_on', 'where'], events),
        ]),
  ])
}

function checkName(rules: readonly EventRuleConfig[], index: number): readonly EventRuleFault[] {
  const name = rules[index]?.alert
  if (rules.findIndex((rule) => rule.alert === name) === index) return []
  const message = `there is another event rule ${name} in this file: their alerts could not be told apart`
  return [{ path: [index, 'alert'], message }]
}

function checkType(type: string, path: EventRuleFault['path'], events: EventTable): readonly EventRuleFault[] {
  if (Object.hasOwn(events, type)) return []
  const known = Object.keys(events).toSorted()
  const advice = known.length === 0 ? 'no target has events' : `known are ${known.join(', ')}`
  return [{ path, message: `there is no event of type ${type}: ${advice}` }]
}

function checkWhere(
  type: string,
  where: string | undefined,
  path: EventRuleFault['path'],
  events: EventTable,
): readonly EventRuleFault[] {
  if (where === undefined || !Object.hasOwn(events, type)) return []
  return compileCel(where).attributes.flatMap((attribute) => checkAttribute(type, attribute, path, events))
}

function checkBy(rule: EventRuleConfig, index: number, events: EventTable): readonly EventRuleFault[] {
  return Object.entries(rule.by ?? {}).flatMap(([label, attribute]) =>
    checkAttribute(rule.on, attribute, [index, 'by', label], events),
  )
}

function checkAttribute(
  type: string,
  attribute: readonly string[],
  path: EventRuleFault['path'],
  events: EventTable,
): readonly EventRuleFault[] {
  const [first = '', second] = attribute
  const below = Object.hasOwn(ATTRIBUTES, first) ? ATTRIBUTES[first] : undefined
  if (below === undefined) {
    return [{ path, message: `an event has no ${first}: it has ${Object.keys(ATTRIBUTES).join(', ')}` }]
  }
  if (second === undefined) return []
  if (below === 'any') return checkArgument(type, attribute, path, events)
  if (below !== 'none' && below.includes(second)) return []
  const has = below === 'none' ? 'is a plain value' : `has ${below.join(', ')}`
  return [{ path, message: `an event's ${first} has no ${second}: it ${has}` }]
}

function checkArgument(
  type: string,
  [first, name = '']: readonly string[],
  path: EventRuleFault['path'],
  events: EventTable,
): readonly EventRuleFault[] {
  if (first !== 'args') return []
  const known = closedKeys(events[type]?.args)
  if (known === undefined || known.includes(name)) return []
  const has = known.length === 0 ? 'it has none' : `it has ${known.join(', ')}`
  return [{ path, message: `an event of type ${type} has no argument ${name}: ${has}` }]
}

/** The arguments of an event, where its schema names them all; undefined where it is loose, or no plain object. */
function closedKeys(schema: z.ZodType | undefined): readonly string[] | undefined {
  if (!(schema instanceof z.ZodObject)) return undefined
  const rest = schema.def.catchall
  if (rest !== undefined && !(rest instanceof z.ZodNever)) return undefined
  return Object.keys(schema.shape)
}
