import { parseDuration } from '../duration.ts'
import { escapeQuery } from './builtins.ts'
import { CallError } from './errors.ts'
import { formatValue } from './format.ts'
import { humanize, humanize1024, humanizeDuration, humanizePercentage, secondsToTime, toFloat } from './humanize.ts'
import { quote } from './quote.ts'
import { matches, replaceAll } from './regexp.ts'
import { checkZone, formatTime, goDuration, goTime, millisecondsToNs, timeOf } from './time.ts'
import { toJson } from './to-json.ts'
import { type GoFunction, type GoFunctions, goStruct, listOf, stringMap, valueAt } from './value.ts'

/** What some functions need to know of where they run. */
export interface FunctionContext {
  /** Wall time, milliseconds UTC. */
  readonly now: () => number
  /** Where people reach this server; for `externalURL` and `pathPrefix`. */
  readonly externalUrl: string
}

/** One element of a query's result, as Prometheus' templates see it: `.Labels.x`, `.Value`. */
export function querySample(labels: Readonly<Record<string, string>>, value: number): object {
  return goStruct({ Labels: stringMap(labels), Value: value }, { typeName: 'template.sample' })
}

/**
 * What the tables of Prometheus (`template/template.go`) and Alertmanager (`template/template.go`) have in common, and
 * what either needs no more than a clock and a URL for. `query`, `tmpl`, `graphLink` and their like are added by those
 * who have what they need.
 */
export function commonFunctions(context: FunctionContext): GoFunctions {
  return { ...NUMBERS, ...TEXTS, ...SAMPLES, ...timeFunctions(context.now), ...urlFunctions(context.externalUrl) }
}

function ofNumber(show: (value: number) => unknown): GoFunction {
  return { params: ['any'], call: ([value]) => show(toFloat(value)) }
}

function ofText(change: (text: string) => unknown): GoFunction {
  return { params: ['string'], call: ([text]) => change(String(text)) }
}

const NUMBERS: GoFunctions = {
  humanize: ofNumber(humanize),
  humanize1024: ofNumber(humanize1024),
  humanizeDuration: ofNumber(humanizeDuration),
  humanizePercentage: ofNumber(humanizePercentage),
  humanizeTimestamp: ofNumber((seconds) =>
    Number.isFinite(seconds) ? formatValue(secondsToTime(seconds)) : formatValue(seconds),
  ),
  toTime: ofNumber(secondsToTime),
  toDuration: ofNumber((seconds) => {
    if (!Number.isFinite(seconds)) throw new CallError('value is NaN or Inf')
    return goDuration(BigInt(Math.trunc(seconds * 1e9)))
  }),
}

const TEXTS: GoFunctions = {
  toUpper: ofText((text) => text.toUpperCase()),
  toLower: ofText((text) => text.toLowerCase()),
  title: ofText((text) => text.replaceAll(/(?<![\p{L}\p{Nd}_])\p{L}/gu, (letter) => letter.toUpperCase())),
  trimSpace: ofText((text) => text.trim()),
  join: { params: ['string', 'list'], call: ([separator, items]) => joinTexts(String(separator), listOf(items)) },
  match: { params: ['string', 'string'], call: ([pattern, text]) => matches(String(pattern), String(text)) },
  reReplaceAll: {
    params: ['string', 'string', 'string'],
    call: ([pattern, replacement, text]) => replaceAll(String(pattern), String(replacement), String(text)),
  },
  // Nothing is escaped here, so there is nothing to be spared from it.
  safeHtml: ofText((text) => text),
  safeUrl: ofText((text) => text),
  stringSlice: { params: [], variadic: 'string', call: (texts) => texts },
  args: {
    params: [],
    variadic: 'any',
    call: (values) => Object.fromEntries(values.map((value, index) => [`arg${index}`, value])),
  },
  parseDuration: ofText((text) => {
    const ms = parseDuration(text.replace(/^-/, ''))
    if (ms === undefined) throw new CallError(`not a valid duration string: ${quote(text)}`)
    return (text.startsWith('-') ? -ms : ms) / 1000
  }),
  stripPort: ofText(stripPort),
  stripDomain: ofText(stripDomain),
  urlQueryEscape: ofText(escapeQuery),
  urlUnescape: ofText(unescapeQuery),
  toJson: { params: ['any'], call: ([value]) => toJson(value) },
}

const SAMPLES: GoFunctions = {
  first: {
    params: ['list'],
    call: ([samples]) => {
      const [sample] = listOf(samples)
      if (sample === undefined) throw new CallError('first() called on vector with no elements')
      return sample
    },
  },
  label: { params: ['string', 'any'], call: ([name, sample]) => labelOf(sample, String(name)) },
  value: { params: ['any'], call: ([sample]) => valueAt(sample, 'Value') },
  strvalue: { params: ['any'], call: ([sample]) => labelOf(sample, '__value__') },
  sortByLabel: {
    params: ['string', 'list'],
    call: ([name, samples]) =>
      listOf(samples).toSorted((a, b) => compare(labelOf(a, String(name)), labelOf(b, String(name)))),
  },
}

function timeFunctions(now: () => number): GoFunctions {
  return {
    now: { params: [], call: () => goTime(now()) },
    since: { params: ['time'], call: ([time]) => goDuration(millisecondsToNs(now() - timeOf(time).ms)) },
    date: {
      params: ['string', 'time'],
      call: ([layout, time]) => formatTime(timeOf(time).ms, timeOf(time).zone, String(layout)),
    },
    tz: { params: ['string', 'time'], call: ([zone, time]) => goTime(timeOf(time).ms, checkZone(String(zone))) },
  }
}

function urlFunctions(externalUrl: string): GoFunctions {
  return {
    externalURL: { params: [], call: () => externalUrl },
    pathPrefix: { params: [], call: () => pathOf(externalUrl) },
  }
}

function pathOf(url: string): string {
  const { pathname = '' } = URL.parse(url) ?? {}
  return pathname === '/' && !url.endsWith('/') ? '' : pathname
}

function compare(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}

function labelOf(sample: unknown, name: string): string {
  const label = valueAt(valueAt(sample, 'Labels'), name)
  return typeof label === 'string' ? label : ''
}

function joinTexts(separator: string, items: readonly unknown[]): string {
  return items
    .map((item) => {
      if (typeof item !== 'string') throw new CallError(`cannot join ${formatValue(item)}: it is no string`)
      return item
    })
    .join(separator)
}

/** `host:port` without the port; an IPv6 address in brackets loses them with it. What is no such pair stays. */
function stripPort(hostPort: string): string {
  const match = /^(?:\[([^[\]]*)\]|([^:[\]]*)):[^:[\]]*$/.exec(hostPort)
  return match?.[1] ?? match?.[2] ?? hostPort
}

/** The first piece of a host's name; a port stays, and so does an address. */
function stripDomain(hostPort: string): string {
  const host = stripPort(hostPort)
  if (/^[\d.]+$/.test(host) || host.includes(':')) return hostPort
  const port = host === hostPort ? '' : hostPort.slice(hostPort.lastIndexOf(':'))
  return `${host.split('.')[0] ?? ''}${port}`
}

function unescapeQuery(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch (error) {
    throw new CallError(`invalid URL escape in ${quote(text)}`, { cause: error })
  }
}
