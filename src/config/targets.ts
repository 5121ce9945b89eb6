import { readFile, stat } from 'node:fs/promises'
import { resolve } from 'node:path'

import { type CollectorDefinition, collectors, type TargetConfig } from '../collectors/index.ts'
import type { Labels } from '../core/labels.ts'
import { ConfigError, type ConfigFault, messageOf } from '../lib/errors.ts'
import type { ConfigDocument } from './document.ts'
import type { Environment } from './environment.ts'
import { faultAt, faultsOf } from './faults.ts'

/** A target as configured: what watches it, its parsed configuration, and the labels of all it brings. */
export interface ConfiguredTarget {
  readonly definition: CollectorDefinition
  readonly config: TargetConfig
  readonly labels: Labels
}

export interface TargetSource {
  readonly document: ConfigDocument
  readonly file: string
  readonly folder: string
  readonly environment: Environment
}

const FILE_BYTES_MAX = 8_000_000

/** Parses each target by its type's schema and finishes it with the files it names; faults of all of them together. */
export async function parseTargets(
  items: readonly unknown[],
  source: TargetSource,
): Promise<{ readonly targets: readonly ConfiguredTarget[]; readonly faults: readonly ConfigFault[] }> {
  const faults: ConfigFault[] = []
  const targets: ConfiguredTarget[] = []
  for (const [index, item] of items.entries()) {
    try {
      targets.push(await parseTarget(item, index, source))
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      faults.push(...error.faults)
    }
  }
  return {
    targets,
    faults: [...faults, ...duplicateNames(targets, items, source), ...unknownDependencies(targets, items, source)],
  }
}

async function parseTarget(item: unknown, index: number, source: TargetSource): Promise<ConfiguredTarget> {
  const path = ['targets', index]
  const definition = definitionOf(item, path, source)
  const parsed = definition.schema.safeParse(withEnvironment(item, definition, source.environment))
  if (!parsed.success) {
    throw new ConfigError(faultsOf(parsed.error.issues, source.document, source.file, path))
  }
  const config = await prepare(definition, parsed.data, path, source)
  return { definition, config, labels: labelsOf(definition, config) }
}

/** A target's keys, and for those it leaves out what the environment says. */
function withEnvironment(item: unknown, { environment = {} }: CollectorDefinition, values: Environment): unknown {
  const given = Object.entries(environment).flatMap(([name, key]) =>
    values[name] === undefined ? [] : [[key, values[name]]],
  )
  return given.length === 0 || typeof item !== 'object' ? item : { ...Object.fromEntries(given), ...item }
}

function definitionOf(item: unknown, path: readonly PropertyKey[], source: TargetSource): CollectorDefinition {
  const type = typeof item === 'object' && item !== null && 'type' in item ? item.type : undefined
  const definition = collectors.find((known) => known.type === type)
  if (definition !== undefined) return definition
  const known = collectors.map((each) => each.type).join(', ')
  const message =
    type === undefined ? `a type is needed: ${known}` : `there is no type ${JSON.stringify(type)}; there are: ${known}`
  throw new ConfigError([faultAt([...path, 'type'], message, source.document, source.file)])
}

async function prepare(
  definition: CollectorDefinition,
  config: TargetConfig,
  path: readonly PropertyKey[],
  source: TargetSource,
): Promise<TargetConfig> {
  if (definition.prepare === undefined) return config
  try {
    return await definition.prepare(config, { read: async (name) => readBounded(resolve(source.folder, name), name) })
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    throw new ConfigError(error.faults.map((fault) => placed(fault, path, source)))
  }
}

/** A fault of a target knows its path below the target; here it gets its place in the document. */
function placed(fault: ConfigFault, path: readonly PropertyKey[], source: TargetSource): ConfigFault {
  const inner = (fault.path ?? '').split(/[.[\]]+/).filter((key) => key !== '')
  const keys = inner.map((key) => (/^\d+$/.test(key) ? Number(key) : key))
  return faultAt([...path, ...keys], fault.message, source.document, source.file)
}

async function readBounded(file: string, name: string): Promise<string> {
  try {
    const { size } = await stat(file)
    if (size > FILE_BYTES_MAX) throw new Error(`it is larger than ${FILE_BYTES_MAX} bytes`)
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new ConfigError([{ message: `the file ${name} cannot be read: ${messageOf(error)}` }])
  }
}

function labelsOf(definition: CollectorDefinition, config: TargetConfig): Labels {
  return {
    ...config.labels,
    target: config.name,
    job: config.job ?? definition.job?.(config) ?? definition.type,
    instance: definition.instance(config) ?? config.name,
  }
}

function duplicateNames(
  targets: readonly ConfiguredTarget[],
  items: readonly unknown[],
  { document, file }: TargetSource,
): readonly ConfigFault[] {
  const seen = new Set<string>()
  return targets.flatMap(({ config }) => {
    const isNew = !seen.has(config.name)
    seen.add(config.name)
    if (isNew) return []
    const path = ['targets', lastIndexNamed(items, config.name), 'name']
    return [faultAt(path, `another target is called ${config.name} already`, document, file)]
  })
}

function unknownDependencies(
  targets: readonly ConfiguredTarget[],
  items: readonly unknown[],
  { document, file }: TargetSource,
): readonly ConfigFault[] {
  const names = new Set(items.map(nameOf))
  return targets.flatMap(({ config }) =>
    config.depends_on
      .filter((name) => !names.has(name))
      .map((name) => {
        const path = ['targets', lastIndexNamed(items, config.name), 'depends_on']
        return faultAt(path, `there is no target ${name}`, document, file)
      }),
  )
}

function lastIndexNamed(items: readonly unknown[], name: string): number {
  return items.findLastIndex((item) => nameOf(item) === name)
}

function nameOf(item: unknown): unknown {
  return typeof item === 'object' && item !== null && 'name' in item ? item.name : undefined
}
