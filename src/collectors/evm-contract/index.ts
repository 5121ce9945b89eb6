import { defineCollector } from '../target-fields.ts'
import { type EvmContractConfig, evmContractSchema, instanceOf, subjectOf, thresholdsOf, TYPE } from './config.ts'
import { panelsOf } from './dashboard.ts'
import { EVENTS } from './events.ts'
import { journeyDefinitions, journeySamples } from './journeys.ts'
import { logFields } from './log-fields.ts'
import { METRICS } from './metrics.ts'
import { TESSERACT_PRESET } from './presets/tesseract/preset.ts'

const PRESET_FOLDERS = { tesseract: './presets/tesseract/' }

/** A contract on an EVM chain: its events, its view functions, and what begins with one event and ends with another. */
export const evmContract = defineCollector<EvmContractConfig>({
  type: TYPE,
  summary: 'A contract on an EVM chain: its events, its view functions and the nodes it is seen through.',
  schema: evmContractSchema,
  // `up` is the first: what follows the chain. The others fail alone, so that a view function which cannot be called
  // takes no event counter away, and an endpoint that is down is still said to be down.
  parts: ['chain', 'endpoints', 'reads', 'self_check'],
  metrics: METRICS,
  events: EVENTS,
  thresholds: thresholdsOf,
  subject: subjectOf,
  instance: instanceOf,
  job: (config) => config.preset ?? TYPE,
  journeys: journeyDefinitions,
  journeySamples,
  rules(config) {
    return { rules: files(config, 'rules.yaml'), eventRules: files(config, 'event-rules.yaml') }
  },
  panels: panelsOf,
  load: async () => (await import('./collect.ts')).createEvmContract,
  probe: async () => (await import('./probe.ts')).probeContract,
  prepare: async (config, configFiles) => (await import('./prepare.ts')).prepare(config, configFiles),
  logFields,
  presets: { tesseract: TESSERACT_PRESET },
})

function files({ preset }: EvmContractConfig, name: string): readonly URL[] {
  const folders = ['./', ...(preset === undefined ? [] : [PRESET_FOLDERS[preset]])]
  return folders.map((folder) => new URL(`${folder}${name}`, import.meta.url))
}
