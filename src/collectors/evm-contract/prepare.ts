import { type AbiEvent, compileAbi, type EvmAbi, parseAddress } from '../../chains/evm/index.ts'
import { ConfigError, type ConfigFault, messageOf } from '../../lib/errors.ts'
import type { ConfigFiles } from '../collector.ts'
import type { EvmContractConfig, JourneyConfig, ReadConfig } from './config.ts'
import { type AbiItems, tesseractDefaults, withTesseractAbi } from './presets/tesseract/abi.ts'
import { findFunction, labelOf } from './reads.ts'

/** Read wherever the ABI has them: `status` shows them, and rules that come along ask for them. */
const STANDARD_READS = ['owner', 'paused', 'transaction_count']

/**
 * Finishes the configuration of a contract: the ABI stands in it, what a preset brings is written out, and every name is
 * one that the ABI has.
 *
 * @throws ConfigError with every fault
 */
export async function prepare(config: EvmContractConfig, files: ConfigFiles): Promise<EvmContractConfig> {
  const faults: ConfigFault[] = []
  const address = parseAddress(config.address)
  if (address.kind === 'fault') faults.push({ path: 'address', message: address.fault })
  const items = await attempt(faults, 'abi', async () => abiItems(config, files))
  const compiled = items === undefined ? undefined : compileAbi(items)
  if (compiled?.kind === 'faults') {
    faults.push(...compiled.faults.map((message) => ({ path: 'abi', message })))
  }
  if (items === undefined || compiled?.kind !== 'abi') throw new ConfigError(faults)

  const complete = withDefaults(config, compiled.abi)
  faults.push(...checkNames({ ...complete, events: config.events }, compiled.abi, anonymousEvents(items)))
  if (faults.length > 0) throw new ConfigError(faults)
  return { ...complete, abi: [...items], address: address.kind === 'address' ? address.address : config.address }
}

async function attempt<Value>(
  faults: ConfigFault[],
  path: string,
  action: () => Promise<Value>,
): Promise<Value | undefined> {
  try {
    return await action()
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    for (const fault of error.faults) faults.push({ path, ...fault })
    return undefined
  }
}

/** The operator's ABI first, then what the preset knows beside it: of two that say the same, the operator's counts. */
async function abiItems(config: EvmContractConfig, files: ConfigFiles): Promise<AbiItems> {
  const own = config.abi === undefined ? [] : await ownItems(config.abi, files)
  return config.preset === 'tesseract' ? withTesseractAbi(own) : own
}

async function ownItems(abi: NonNullable<EvmContractConfig['abi']>, files: ConfigFiles): Promise<AbiItems> {
  if (typeof abi !== 'string') return abi
  const parsed = parseJson(abi, await files.read(abi))
  const items: unknown = isObject(parsed) && 'abi' in parsed ? parsed['abi'] : parsed
  if (Array.isArray(items) && items.every(isObject)) return items
  throw new ConfigError([
    { message: `${abi} is no ABI: neither a list of functions and events nor an artifact with such a list under abi` },
  ])
}

function parseJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new ConfigError([{ message: `${path} is no JSON: ${messageOf(error)}` }])
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function anonymousEvents(items: AbiItems): ReadonlySet<unknown> {
  return new Set(
    items.filter((item) => item['type'] === 'event' && item['anonymous'] === true).map((item) => item['name']),
  )
}

/** What stands for itself when nothing is said: standard reads, the preset's journeys and self-check. */
function withDefaults(config: EvmContractConfig, abi: EvmAbi): EvmContractConfig {
  const preset = config.preset === 'tesseract' ? tesseractDefaults() : undefined
  const presetJourneys = preset?.journeys ?? []
  const journeys = [
    ...config.journeys,
    ...presetJourneys.filter(({ name }) => config.journeys.every((journey) => journey.name !== name)),
  ]
  const selfCheck = config.self_check ?? preset?.selfCheck
  const needed = [
    ...journeys.flatMap(eventsOf),
    ...(selfCheck === undefined || selfCheck === false ? [] : [selfCheck.event]),
  ]
  return {
    ...config,
    journeys,
    reads: withStandardReads(config.reads, abi, [...STANDARD_READS, ...(preset?.reads ?? [])]),
    events: config.events === 'all' ? 'all' : [...new Set([...config.events, ...needed])],
    ...(selfCheck === undefined ? {} : { self_check: selfCheck }),
  }
}

function withStandardReads(reads: readonly ReadConfig[], abi: EvmAbi, standard: readonly string[]): ReadConfig[] {
  const missing = standard
    .map((name): ReadConfig => ({ name, args: [], decimals: 0, as: undefined }))
    .filter((added) => !reads.some((read) => labelOf(read) === added.name) && 'found' in findFunction(abi, added))
  return [...reads, ...missing]
}

function eventsOf(journey: JourneyConfig): readonly string[] {
  return [journey.start, ...Object.values(journey.ends).flat()]
}

function checkNames(config: EvmContractConfig, abi: EvmAbi, anonymous: ReadonlySet<unknown>): readonly ConfigFault[] {
  return [
    ...(config.events === 'all' ? [] : config.events.flatMap((name, index) => checkEvent(name, `events[${index}]`))),
    ...config.journeys.flatMap((journey, index) => checkJourney(journey, `journeys[${index}]`)),
    ...config.reads.flatMap((read, index) => checkRead(read, `reads[${index}]`)),
    ...repeatedReads(config.reads),
    ...checkSelfCheck(),
  ]

  function named(name: string): readonly AbiEvent[] {
    return abi.events.filter((event) => event.name === name)
  }

  function checkEvent(name: string, path: string): readonly ConfigFault[] {
    if (named(name).length > 0) return []
    if (!anonymous.has(name)) return [{ path, message: `the ABI has no event ${name}` }]
    return [{ path, message: `the event ${name} is anonymous: its logs carry no topic by which they could be found` }]
  }

  function checkJourney(journey: JourneyConfig, path: string): readonly ConfigFault[] {
    const places = [
      { name: journey.start, at: `${path}.start` },
      ...Object.entries(journey.ends).flatMap(([outcome, names]) =>
        names.map((name) => ({ name, at: `${path}.ends.${outcome}` })),
      ),
    ]
    return places.flatMap(({ name, at }) => {
      const missing = checkEvent(name, at)
      if (missing.length > 0) return missing
      return named(name)
        .filter((event) => event.inputs.every((input) => input.name !== journey.key))
        .map((event) => ({ path: `${path}.key`, message: `${event.signature} has no argument ${journey.key}` }))
    })
  }

  function checkRead(read: ReadConfig, path: string): readonly ConfigFault[] {
    const result = findFunction(abi, read)
    return 'found' in result ? [] : [{ path, message: result.fault }]
  }

  function checkSelfCheck(): readonly ConfigFault[] {
    const check = config.self_check
    if (check === undefined || check === false) return []
    const path = 'self_check'
    const result = findFunction(abi, { name: check.counter, args: [], decimals: 0, as: undefined })
    const missing = checkEvent(check.event, `${path}.event`)
    if ('fault' in result) return [...missing, { path: `${path}.counter`, message: result.fault }]
    const [output] = result.found.outputs
    if (output?.type.kind === 'uint' || output?.type.kind === 'int') return missing
    return [...missing, { path: `${path}.counter`, message: `${result.found.signature} does not return a number` }]
  }
}

/** Two reads under one label would write one series twice. */
function repeatedReads(reads: readonly ReadConfig[]): readonly ConfigFault[] {
  const labels = reads.map(labelOf)
  return labels.flatMap((label, index) =>
    labels.indexOf(label) === index
      ? []
      : [{ path: `reads[${index}]`, message: `${label} is read twice: give one of them another name with \`as\`` }],
  )
}
