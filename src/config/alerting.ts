import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

import { type AlertingConfig, alertingSchema, DEFAULT_ALERTING } from '../alerting/index.ts'
import { channels } from '../channels/index.ts'
import { type ConfigFault, messageOf } from '../lib/errors.ts'
import { type ConfigDocument, readDocument } from './document.ts'
import { faultAt, faultsOf } from './faults.ts'

export type { AlertingConfig } from '../alerting/index.ts'

export interface LoadedAlerting {
  /** undefined exactly when there are faults. */
  readonly config: AlertingConfig | undefined
  readonly faults: readonly ConfigFault[]
}

interface Place {
  readonly document: ConfigDocument
  readonly file: string
  readonly folder: string
  /** Where Alertmanager's keys begin in the document. */
  readonly path: readonly PropertyKey[]
}

/**
 * Reads where alerts go: Alertmanager's keys inline, or in `file` with ours beside it. With nothing at all, alerts go to
 * the console. An Alertmanager file is read as it stands: no references are replaced in it.
 */
export function loadAlerting(value: unknown, source: Omit<Place, 'path'>): LoadedAlerting {
  const inline: Place = { ...source, path: ['alerting'] }
  if (value === undefined || value === null) return parse(DEFAULT_ALERTING, inline)
  if (!isMap(value) || value['file'] === undefined) return parse(value, inline)
  const { file, ...ours } = value
  if (typeof file !== 'string') return fault(inline, ['file'], 'this must be the name of an alertmanager.yml')
  const path = resolve(source.folder, file)
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    return fault(inline, ['file'], `the file ${file} cannot be read: ${messageOf(error)}`)
  }
  const document = readDocument({ file, text, folder: dirname(path), references: 'keep' })
  if (document.faults.length > 0) return { config: undefined, faults: document.faults }
  const place: Place = { document, file, folder: dirname(path), path: [] }
  return parse(isMap(document.value) ? { ...document.value, ...ours } : document.value, place)
}

function parse(value: unknown, place: Place): LoadedAlerting {
  const faults: ConfigFault[] = []
  const resolved = readSecretFiles(
    value,
    [],
    (path, message) => faults.push(...fault(place, path, message).faults),
    place,
  )
  const parsed = alertingSchema(channels).safeParse(resolved)
  if (parsed.success && faults.length === 0) return { config: parsed.data, faults }
  const issues = parsed.error?.issues ?? []
  return { config: undefined, faults: [...faults, ...faultsOf(issues, place.document, place.file, place.path)] }
}

/** Keys of `tls_config` that name a file because they mean a file. */
const REAL_FILES = new Set(['ca_file', 'cert_file', 'key_file'])

/** Alertmanager's `api_url_file: path` is `api_url` with the file's text. */
function readSecretFiles(
  value: unknown,
  path: readonly PropertyKey[],
  report: (path: readonly PropertyKey[], message: string) => void,
  place: Place,
): unknown {
  if (Array.isArray(value)) return value.map((item, index) => readSecretFiles(item, [...path, index], report, place))
  if (!isMap(value)) return value
  const entries = Object.entries(value).map(([key, item]): [string, unknown] => {
    const isFile = key.endsWith('_file') && !REAL_FILES.has(key) && typeof item === 'string'
    if (!isFile) return [key, readSecretFiles(item, [...path, key], report, place)]
    const plain = key.slice(0, -'_file'.length)
    if (value[plain] !== undefined) report([...path, key], `either ${plain} or ${key}, not both`)
    try {
      return [plain, readFileSync(resolve(place.folder, item), 'utf8').trim()]
    } catch (error) {
      report([...path, key], `the file ${item} cannot be read: ${messageOf(error)}`)
      return [plain, 'unreadable']
    }
  })
  return Object.fromEntries(entries)
}

function fault(place: Place, path: readonly PropertyKey[], message: string): LoadedAlerting {
  return { config: undefined, faults: [faultAt([...place.path, ...path], message, place.document, place.file)] }
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
