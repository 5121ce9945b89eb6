import type { Labels } from '../core/labels.ts'
import { messageOf } from '../lib/errors.ts'
import {
  CallError,
  fromJson,
  type GoFunctions,
  goStruct,
  parseTemplate,
  stringMap,
  type Template,
} from '../lib/go-template/index.ts'
import type { EventView } from './event-rules/event-view.ts'
import type { AlertRule } from './rule-file.ts'
import { prometheusFunctions, type TemplateSample } from './template-functions.ts'

export interface TemplateSettings {
  readonly externalLabels: Labels
  readonly externalUrl: string
  /** Answers a PromQL query at an instant. */
  query(expr: string, atMs: number): readonly TemplateSample[] | Promise<readonly TemplateSample[]>
}

/** What all templates of a process share: made once, because rules may be many. */
export interface TemplateToolkit {
  readonly functions: GoFunctions
  readonly externalLabels: object
  readonly externalUrl: string
  /** The time that functions work at from now on. Rules are evaluated one after the other. */
  readonly setInstant: (atMs: number) => void
}

export function createTemplateToolkit(settings: TemplateSettings): TemplateToolkit {
  const { externalUrl } = settings
  let atMs = 0
  return {
    functions: prometheusFunctions({
      externalUrl,
      now: () => atMs,
      query: (expr) => settings.query(expr, atMs),
    }),
    externalLabels: stringMap(settings.externalLabels),
    externalUrl,
    setInstant(instant) {
      atMs = instant
    },
  }
}

type Maybe<T> = T | Promise<T>

/** The labels and annotations of an alerting rule, parsed once. What fails of a text stands in the text. */
export interface AlertTemplates {
  labels(element: TemplateSample, atMs: number): Maybe<Labels>
  annotations(element: TemplateSample, atMs: number): Maybe<Labels>
}

/** A text of an event rule: `$event` and `$labels`. */
export type EventTemplate = (event: EventView, labels: Labels) => string

const ALERT_VARIABLES = ['$labels', '$externalLabels', '$externalURL', '$value']
const EVENT_VARIABLES = ['$event', '$labels']

/** @throws TemplateError where the text is no template */
export function checkAlertTemplate(text: string): void {
  if (isTemplate(text)) parse(text, 'template', { functions: detachedFunctions(), variables: ALERT_VARIABLES })
}

export function compileAlertTemplates(rule: AlertRule, toolkit: TemplateToolkit): AlertTemplates {
  const labels = compileAll(rule.labels, rule.name, toolkit)
  const annotations = compileAll(rule.annotations, rule.name, toolkit)
  return {
    labels: (element, atMs) => expandAll(labels, element, atMs),
    annotations: (element, atMs) => expandAll(annotations, element, atMs),
  }
}

/** @throws TemplateError where the text is no template */
export function parseEventTemplate(text: string): EventTemplate {
  if (!isTemplate(text)) return () => text
  const template = parse(text, 'event', { functions: detachedFunctions(), variables: EVENT_VARIABLES })
  return (view, labels) => {
    const event = fromJson(view)
    const named = stringMap(labels)
    const expanded = orFailure(() =>
      template.execute(goStruct({ Event: event, Labels: named }), { $event: event, $labels: named }),
    )
    return typeof expanded === 'string' ? expanded : failureText('it waits for something')
  }
}

/** For templates that no query engine stands behind. */
function detachedFunctions(): GoFunctions {
  return prometheusFunctions({ externalUrl: '', now: () => 0, query: refuseQuery })
}

function refuseQuery(): never {
  throw new CallError('there is no query here')
}

/** Most texts are plain: they need no engine. */
function isTemplate(text: string): boolean {
  return text.includes('{{')
}

type Compiled = (element: TemplateSample, atMs: number) => Maybe<string>

function compileAll(texts: Labels, name: string, toolkit: TemplateToolkit): readonly (readonly [string, Compiled])[] {
  return Object.entries(texts).map(([key, text]) => [key, compileOne(text, name, toolkit)] as const)
}

function compileOne(text: string, name: string, toolkit: TemplateToolkit): Compiled {
  if (!isTemplate(text)) return () => text
  const { functions, externalLabels, externalUrl, setInstant } = toolkit
  const template = parse(text, `__alert_${name}`, { functions, variables: ALERT_VARIABLES })
  return (element, atMs) => {
    setInstant(atMs)
    const labels = stringMap(element.labels)
    const data = { Labels: labels, ExternalLabels: externalLabels, ExternalURL: externalUrl, Value: element.value }
    return orFailure(() =>
      template.execute(goStruct(data), {
        $labels: labels,
        $externalLabels: externalLabels,
        $externalURL: externalUrl,
        $value: element.value,
      }),
    )
  }
}

/** A missing label is the empty text, as in Prometheus. */
function parse(
  text: string,
  name: string,
  more: { readonly functions: GoFunctions; readonly variables: readonly string[] },
): Template {
  return parseTemplate(text, { name, missingKey: 'zero', ...more })
}

/** An alert is not lost for a faulty text: the fault stands in its place, as in Prometheus. */
function orFailure(expand: () => Maybe<string>): Maybe<string> {
  try {
    const expanded = expand()
    return expanded instanceof Promise ? expanded.catch((error: unknown) => failureText(messageOf(error))) : expanded
  } catch (error) {
    return failureText(messageOf(error))
  }
}

function failureText(reason: string): string {
  return `<error expanding template: ${reason}>`
}

function expandAll(
  templates: readonly (readonly [string, Compiled])[],
  element: TemplateSample,
  atMs: number,
): Maybe<Labels> {
  const values: Record<string, string> = {}
  const waiting: Promise<void>[] = []
  for (const [key, template] of templates) {
    const expanded = template(element, atMs)
    if (expanded instanceof Promise) waiting.push(expanded.then((text) => void (values[key] = text)))
    else values[key] = expanded
  }
  return waiting.length === 0 ? values : Promise.all(waiting).then(() => values)
}
