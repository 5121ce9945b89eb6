import { isIP } from 'node:net'

import { RE2JS } from 're2js'

import type { Labels } from '../core/labels.ts'
import {
  CallError,
  type GoFunction,
  type GoFunctions,
  goList,
  goMap,
  goStruct,
  stringMap,
} from '../lib/go-template/index.ts'
import {
  durationSeconds,
  goTime,
  humanize,
  humanize1024,
  humanizeDuration,
  humanizePercentage,
  humanizeTimestamp,
  millisecondsOf,
} from './humanize.ts'

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

/**
 * Prometheus' table of template functions (prometheus template/template.go). Texts are plain here, so `safeHtml` changes
 * nothing.
 */
export function prometheusFunctions(surroundings: TemplateSurroundings): GoFunctions {
  return { ...queryFunctions(surroundings), ...textFunctions(), ...numberFunctions(), ...linkFunctions(surroundings) }
}

function queryFunctions({ query, now }: TemplateSurroundings): GoFunctions {
  return {
    query: {
      params: ['string'],
      call: ([expr]) => {
        const answer = query(String(expr))
        return answer instanceof Promise ? answer.then(listOfSamples) : listOfSamples(answer)
      },
    },
    first: {
      params: ['list'],
      call: ([samples]) => {
        const first: unknown = Array.isArray(samples) ? samples[0] : undefined
        if (first === undefined) throw new CallError('first() called on vector with no elements')
        return first
      },
    },
    label: { params: ['string', 'any'], call: ([name, sample]) => sampleOf(sample).labels[String(name)] ?? '' },
    value: { params: ['any'], call: ([sample]) => sampleOf(sample).value },
    strvalue: { params: ['any'], call: ([sample]) => sampleOf(sample).labels['__value__'] ?? '' },
    sortByLabel: {
      params: ['string', 'list'],
      call: ([name, samples]) => {
        const label = (sample: unknown) => sampleOf(sample).labels[String(name)] ?? ''
        const list: readonly unknown[] = Array.isArray(samples) ? samples : []
        return goList(list.toSorted((a, b) => compare(label(a), label(b))))
      },
    },
    now: { params: [], call: () => now() / 1000 },
  }
}

function textFunctions(): GoFunctions {
  return {
    args: {
      params: [],
      variadic: 'any',
      call: (args) => goMap(Object.fromEntries(args.map((arg, index) => [`arg${index}`, arg]))),
    },
    reReplaceAll: {
      params: ['string', 'string', 'string'],
      call: ([pattern, replacement, text]) => replaceAll(String(pattern), String(replacement), String(text)),
    },
    match: {
      params: ['string', 'string'],
      call: ([pattern, text]) => compile(String(pattern)).matcher(String(text)).find(),
    },
    safeHtml: { params: ['string'], call: ([text]) => text },
    title: { params: ['string'], call: ([text]) => title(String(text)) },
    toUpper: { params: ['string'], call: ([text]) => String(text).toUpperCase() },
    toLower: { params: ['string'], call: ([text]) => String(text).toLowerCase() },
    stripPort: { params: ['string'], call: ([text]) => hostAndPort(String(text)).host },
    stripDomain: { params: ['string'], call: ([text]) => stripDomain(String(text)) },
    urlQueryEscape: { params: ['string'], call: ([text]) => queryEscape(String(text)) },
  }
}

/** A function of one number that gives a text. */
function printed(print: (value: number) => string): GoFunction {
  return { params: ['any'], call: ([value]) => print(numberOf(value)) }
}

function numberFunctions(): GoFunctions {
  return {
    humanize: printed(humanize),
    humanize1024: printed(humanize1024),
    humanizeDuration: printed(humanizeDuration),
    humanizePercentage: printed(humanizePercentage),
    humanizeTimestamp: printed(humanizeTimestamp),
    parseDuration: { params: ['string'], call: ([text]) => durationSeconds(String(text)) },
    toDuration: {
      params: ['any'],
      call: ([value]) => {
        const durationNs = BigInt(Math.trunc(numberOf(value) * 1e9))
        return goStruct({}, { typeName: '*time.Duration', durationNs, text: () => goDuration(durationNs) })
      },
    },
    toTime: {
      params: ['any'],
      call: ([value]) => {
        const ms = millisecondsOf(numberOf(value))
        const time = { ms, zone: 'UTC' }
        return goStruct({}, { typeName: '*time.Time', time, text: () => goTime(ms) })
      },
    },
  }
}

function linkFunctions({ externalUrl }: TemplateSurroundings): GoFunctions {
  return {
    graphLink: { params: ['string'], call: ([expr]) => expressionLink(String(expr), 0) },
    tableLink: { params: ['string'], call: ([expr]) => expressionLink(String(expr), 1) },
    pathPrefix: {
      params: [],
      call: () => (URL.canParse(externalUrl) ? new URL(externalUrl).pathname.replace(/\/$/, '') : ''),
    },
    externalURL: { params: [], call: () => externalUrl },
  }
}

/** Where an expression can be looked at: as a graph (tab 0) or as a table (tab 1). */
export function expressionLink(expr: string, tab: 0 | 1): string {
  return `/graph?g0.expr=${queryEscape(expr)}&g0.tab=${tab}`
}

function listOfSamples(samples: readonly TemplateSample[]): unknown {
  return goList(samples.map(({ labels, value }) => goStruct({ Labels: stringMap(labels), Value: value })))
}

function sampleOf(sample: unknown): TemplateSample {
  const isSample = typeof sample === 'object' && sample !== null && 'Labels' in sample && 'Value' in sample
  if (!isSample || typeof sample.Labels !== 'object' || sample.Labels === null || typeof sample.Value !== 'number') {
    throw new CallError('this is no sample: it comes from query, with first or range')
  }
  const entries = Object.entries(sample.Labels).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  )
  return { labels: Object.fromEntries(entries), value: sample.Value }
}

function numberOf(value: unknown): number {
  if (typeof value === 'number') return value
  if (typeof value === 'bigint') return Number(value)
  if (typeof value === 'string' && value.trim() !== '' && !Number.isNaN(Number(value))) return Number(value)
  if (value === 'NaN') return Number.NaN
  throw new CallError(`can't convert ${typeof value === 'string' ? JSON.stringify(value) : typeof value} to float`)
}

function compile(pattern: string): RE2JS {
  try {
    return RE2JS.compile(pattern)
  } catch (error) {
    throw new CallError(`${JSON.stringify(pattern)} is no RE2 expression`, { cause: error })
  }
}

/** In Go's replacements `$1x` is the group named `1x`; `${1}x` is the first group and an x. */
function replaceAll(pattern: string, replacement: string, text: string): string {
  const compiled = compile(pattern)
  const matcher = compiled.matcher(text)
  const names = compiled.namedGroups()
  let result = ''
  let from = 0
  while (matcher.find()) {
    result += text.slice(from, matcher.start())
    result += replacement.replaceAll(/\$(?:\$|\{(\w+)\}|(\w+))/g, (whole, braced?: string, bare?: string) => {
      if (whole === '$$') return '$'
      return groupText(braced ?? bare ?? '', names, (index) =>
        index <= matcher.groupCount() ? matcher.group(index) : '',
      )
    })
    from = matcher.end()
  }
  return result + text.slice(from)
}

function groupText(
  name: string,
  names: Readonly<Record<string, number>>,
  group: (index: number) => string | null,
): string {
  const index = /^\d+$/.test(name) ? Number(name) : names[name]
  return index === undefined ? '' : (group(index) ?? '')
}

/** The first letter of each word in upper case, the others as they are. */
function title(text: string): string {
  return text.replaceAll(/(?<![\p{L}\p{N}_'])\p{Ll}/gu, (letter) => letter.toUpperCase())
}

/** Go's `net.SplitHostPort`; a text that it refuses is all host. */
function hostAndPort(text: string): { readonly host: string; readonly port: string } {
  const [, bracketed, plain, port] = /^(?:\[([^[\]]*)\]|([^:[\]]*)):([^:[\]]*)$/.exec(text) ?? []
  return port === undefined ? { host: text, port: '' } : { host: bracketed ?? plain ?? '', port }
}

function stripDomain(text: string): string {
  const { host, port } = hostAndPort(text)
  if (isIP(host) !== 0) return text
  const short = host.split('.')[0] ?? ''
  return port === '' ? short : `${short}:${port}`
}

/** Go's `url.QueryEscape`. */
function queryEscape(text: string): string {
  const escaped = encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  )
  return escaped.replaceAll('%20', '+')
}

/** Go prints a duration as `1h2m3.5s`, below a second as `1.5ms`, `2µs`, `3ns`. */
function goDuration(ns: bigint): string {
  if (ns === 0n) return '0s'
  const sign = ns < 0n ? '-' : ''
  const size = Number(ns < 0n ? -ns : ns)
  if (size < 1e3) return `${sign}${size}ns`
  if (size < 1e6) return `${sign}${size / 1e3}µs`
  if (size < 1e9) return `${sign}${size / 1e6}ms`
  const hours = Math.floor(size / 3.6e12)
  const minutes = Math.floor(size / 6e10) % 60
  const seconds = `${Number(((size / 1e9) % 60).toFixed(9))}s`
  if (hours > 0) return `${sign}${hours}h${minutes}m${seconds}`
  return minutes > 0 ? `${sign}${minutes}m${seconds}` : `${sign}${seconds}`
}

function compare(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
