import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

import { z } from 'zod'

import { compareText } from '../core/labels.ts'
import { ConfigError, type ConfigFault, messageOf } from '../lib/errors.ts'
import type { Secret } from '../lib/secret.ts'
import { type EventRule, overrideEventRules, overrideRules, type RuleGroup } from '../rules/index.ts'
import { type AlertingConfig, loadAlerting } from './alerting.ts'
import { type ConfigDocument, readDocument } from './document.ts'
import type { Environment } from './environment.ts'
import { loadEventRules } from './event-rules.ts'
import { faultAt, faultsOf, withoutFollowing } from './faults.ts'
import { freeze } from './freeze.ts'
import { findPlaceholders } from './placeholders.ts'
import { loadBuiltInRules, loadRuleFiles } from './rule-files.ts'
import { isLoopback, type RootConfig, rootSchema } from './schema.ts'
import { type ConfiguredTarget, parseTargets } from './targets.ts'

/** The whole configuration: checked, complete and frozen. */
export interface Config extends Omit<RootConfig, 'targets' | 'event_rules' | 'alerting' | 'actions'> {
  /** The file it came from; undefined where it came from a preset or is the default. */
  readonly file: string | undefined
  readonly targets: readonly ConfiguredTarget[]
  readonly ruleGroups: readonly RuleGroup[]
  readonly eventRules: readonly EventRule[]
  /** The operator's event rules as they were written, to tell whether they changed. */
  readonly eventRulesText: string
  readonly alerting: AlertingConfig
}

export interface ConfigSource {
  /** `chainwarden.yaml`; when it is the default's name and does not exist, this host is watched. */
  readonly file: string
  readonly environment: Environment
}

/** What runs when there is no file at all: this host. */
const DEFAULT_DOCUMENT = 'targets:\n  - { type: host, name: this-host }\n'
const DEFAULT_FILE = 'chainwarden.yaml'

/**
 * Reads and checks a configuration.
 *
 * @throws ConfigError with every fault, each with its file, line, path and a plain sentence
 */
export async function loadConfig(source: ConfigSource): Promise<Config> {
  const text = readText(source.file)
  const isMissing = text === undefined
  return loadText(text ?? DEFAULT_DOCUMENT, {
    file: source.file,
    shownFile: isMissing ? undefined : source.file,
    environment: source.environment,
  })
}

/** The file's text; undefined when it does not exist and nobody asked for another than the default. */
function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    if (isMissing && file === DEFAULT_FILE) return undefined
    const hint = isMissing ? 'there is no such file; `chainwarden init` writes one' : messageOf(error)
    throw new ConfigError([{ file, message: hint }])
  }
}

interface LoadOptions {
  readonly file: string
  readonly shownFile: string | undefined
  readonly environment: Environment
}

/** The same for a text, as of a preset. Relative paths start at the file's folder. */
export async function loadText(text: string, options: LoadOptions): Promise<Config> {
  const { file, environment } = options
  const folder = dirname(resolve(file))
  const document = readDocument({ file, text, folder, references: environment })
  if (document.value === undefined) throw new ConfigError(document.faults)
  const { root, faults: rootFaults } = parseRoot(document, file)
  const source = { document, file, folder, environment }
  const { targets, faults: targetFaults } = await parseTargets(root.targets, source)
  const rules = loadRules(root, targets, folder)
  const events = loadEventRules(root.event_rules, targets, { ...source, useDefaults: root.rules.defaults })
  const alerting = loadAlerting(root.alerting, source)
  const unusable = [...document.faults, ...placeholderFaults(document, file)]
  const faults = withoutFollowing(unusable, [
    ...rootFaults,
    ...targetFaults,
    ...rules.faults,
    ...events.faults,
    ...alerting.faults,
    ...accessFaults(root, document, file),
  ])
  if (faults.length > 0 || alerting.config === undefined) throw new ConfigError(inOrder(faults))
  const { targets: _targets, event_rules: _eventRules, alerting: _alerting, actions: _actions, ...rest } = root
  return freeze({
    ...rest,
    storage: { ...root.storage, path: resolve(folder, root.storage.path) },
    log: { ...root.log, ...(root.log.file === undefined ? {} : { file: resolve(folder, root.log.file) }) },
    file: options.shownFile,
    targets,
    ruleGroups: overrideRules(rules.groups, root.rules.overrides),
    eventRulesText: JSON.stringify(root.event_rules),
    eventRules: overrideEventRules(events.rules, root.rules.overrides),
    alerting: alerting.config,
  })
}

/** The frame of the document. Where it has faults, its lists are still looked at, so that all faults come at once. */
function parseRoot(
  document: ConfigDocument,
  file: string,
): { readonly root: RootConfig; readonly faults: readonly ConfigFault[] } {
  const value = document.value ?? {}
  const parsed = rootSchema.safeParse(value)
  if (parsed.success) return { root: parsed.data, faults: [] }
  const faults = faultsOf(parsed.error.issues, document, file)
  const lists = listsSchema.safeParse(value)
  return { root: rootSchema.parse(lists.success ? lists.data : {}), faults }
}

const listsSchema = z.object({
  targets: z.array(z.unknown()).optional().catch(undefined),
  event_rules: z.array(z.unknown()).optional().catch(undefined),
  alerting: z.unknown().optional(),
})

/** In the order of the files and their lines, as people read them. */
function inOrder(faults: readonly ConfigFault[]): readonly ConfigFault[] {
  return faults.toSorted((a, b) => compareText(a.file ?? '', b.file ?? '') || (a.line ?? 0) - (b.line ?? 0))
}

function placeholderFaults(document: ConfigDocument, file: string): readonly ConfigFault[] {
  return findPlaceholders(document.value).map(({ path, value }) =>
    faultAt(path, `this is still the example's ${value}: put your own here`, document, file),
  )
}

function loadRules(
  root: RootConfig,
  targets: readonly ConfiguredTarget[],
  folder: string,
): { readonly groups: readonly RuleGroup[]; readonly faults: readonly ConfigFault[] } {
  const own = loadRuleFiles(root.rules.files, folder)
  if (!root.rules.defaults) return own
  const urls = targets.flatMap(({ definition, config }) => definition.rules(config).rules)
  return { groups: [...own.groups, ...loadBuiltInRules(distinct(urls))], faults: own.faults }
}

function distinct(urls: readonly URL[]): readonly URL[] {
  return [...new Map(urls.map((url) => [url.href, url])).values()]
}

/** Beyond loopback somebody must be asked who they are, unless the operator says that nobody need be. */
function accessFaults(root: RootConfig, document: ConfigDocument, file: string): readonly ConfigFault[] {
  const { listen, tokens, open } = root.server
  const outside = listen.filter(({ host }) => !isLoopback(host))
  if (outside.length === 0 || tokens.length > 0 || open) return []
  const where = outside.map(({ host, port }) => `${host}:${port}`).join(', ')
  const message = `${where} can be reached from outside: set server.tokens, or server.open: true to let anyone read`
  return [faultAt(['server', 'listen'], message, document, file)]
}

/** Where a process keeps what it stores. */
export interface StoragePlace {
  readonly path: string
  readonly url: Secret | undefined
  /** References that could not be replaced: `url` may not be what the process has. */
  readonly faults: readonly ConfigFault[]
}

/**
 * Where the process of a configuration keeps what it stores, as far as the file can be read: for commands that look for
 * it. They need not have the environment that the process was given.
 */
export function storagePlaceOf(file: string, environment: Environment): StoragePlace {
  const folder = dirname(resolve(file))
  const text = readText(file) ?? ''
  const document = readDocument({ file, text, folder, references: environment })
  const isWhole = document.faults.length === 0
  const value = isWhole ? document.value : readDocument({ file, text, folder, references: 'keep' }).value
  const parsed = rootSchema
    .pick({ storage: true })
    .loose()
    .safeParse(value ?? {})
  const { path, url } = parsed.success ? parsed.data.storage : { path: './data', url: undefined }
  if (path.includes('${')) throw new ConfigError(document.faults)
  return { path: resolve(folder, path), url, faults: document.faults }
}
