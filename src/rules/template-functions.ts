import type { Labels } from '../core/labels.ts'
import { commonFunctions, type GoFunctions, goList, querySample } from '../lib/go-template/index.ts'

/** One element of a query's answer, as Prometheus' templates see it. */
export interface TemplateSample {
  readonly labels: Labels
  readonly value: number
}

/** What the functions work on. */
export interface TemplateSurroundings {
  readonly externalUrl: string
  /** The time of the evaluation, milliseconds UTC. */
  readonly now: () => number
  /** Answers a PromQL query at that time. */
  readonly query: (expr: string) => readonly TemplateSample[] | Promise<readonly TemplateSample[]>
}

/** Prometheus' table of template functions (prometheus template/template.go): the common ones, and those that ask. */
export function prometheusFunctions({ externalUrl, now, query }: TemplateSurroundings): GoFunctions {
  return {
    ...commonFunctions({ externalUrl, now }),
    query: {
      params: ['string'],
      call: ([expr]) => {
        const answer = query(String(expr))
        return answer instanceof Promise ? answer.then(listOfSamples) : listOfSamples(answer)
      },
    },
    // Seconds here; a time in Alertmanager's table.
    now: { params: [], call: () => now() / 1000 },
    graphLink: { params: ['string'], call: ([expr]) => expressionLink(String(expr), 0) },
    tableLink: { params: ['string'], call: ([expr]) => expressionLink(String(expr), 1) },
  }
}

/** Where an expression can be looked at: as a graph (tab 0) or as a table (tab 1). */
export function expressionLink(expr: string, tab: 0 | 1): string {
  return `/graph?g0.expr=${queryEscape(expr)}&g0.tab=${tab}`
}

function listOfSamples(samples: readonly TemplateSample[]): unknown {
  return goList(samples.map(({ labels, value }) => querySample(labels, value)))
}

/** Go's `url.QueryEscape`. */
function queryEscape(text: string): string {
  const escaped = encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  )
  return escaped.replaceAll('%20', '+')
}
