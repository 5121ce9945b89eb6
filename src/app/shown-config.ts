import type { Config } from '../config/index.ts'
import { formatDuration } from '../lib/duration.ts'
import { redactUrl, Secret } from '../lib/secret.ts'

/** Keys whose numbers are milliseconds: they are shown as they are written, `5m`. */
const DURATIONS = new Set(
  'interval timeout retention history events journeys duties notifications every for deadline head_age resolution'
    .concat(' resolve_after group_wait group_interval repeat_interval')
    .split(' '),
)
const URL_LIKE = /^[a-z][a-z0-9+.-]*:\/\//i
/** Longer lists, as a contract's ABI, say nothing that the file they came from does not say. */
const ITEMS_MAX = 200

/**
 * The configuration that is in force, defaults filled in, as YAML. Secrets are `<secret>`, and of addresses only what
 * cannot be one is shown: providers put keys into paths.
 */
export async function showConfig(config: Config): Promise<string> {
  // Asked for rarely, by people.
  const { stringify } = await import('yaml')
  const { server, storage, metrics, log, rules, alerting } = config
  const targets = config.targets.map((target) => target.config)
  return stringify(shown('', { server, storage, metrics, log, targets, rules, alerting }))
}

function shown(key: string, value: unknown): unknown {
  if (value instanceof Secret) return String(value)
  if (Array.isArray(value)) {
    if (value.length > ITEMS_MAX) return `(${value.length} entries)`
    return value.map((item: unknown) => shown('', item))
  }
  switch (typeof value) {
    case 'string':
      return URL_LIKE.test(value) ? redactUrl(value) : value
    case 'number':
      return DURATIONS.has(key) || key.endsWith('Ms') ? formatDuration(value) : value
    case 'bigint':
      return value.toString()
    case 'object':
      return value === null ? null : shownEntries(value)
    case 'boolean':
    case 'undefined':
      return value
    case 'function':
    case 'symbol':
      return undefined
  }
}

function shownEntries(map: object): unknown {
  if (map instanceof URL) return redactUrl(map.href)
  // What is no plain map, as a compiled pattern, has nothing to show.
  if (Object.getPrototypeOf(map) !== Object.prototype) return undefined
  return Object.fromEntries(
    Object.entries(map)
      .map(([name, item]: [string, unknown]) => [name, shown(name, item)])
      .filter(([, item]) => item !== undefined),
  )
}
