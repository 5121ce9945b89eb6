import type { Event } from '../../core/event.ts'
import type { Json } from '../../lib/json.ts'
import type { EvmContractConfig } from './config.ts'

/** What a Tesseract operator's log pipeline knows the arguments of a buffered transaction by. */
const TESSERACT_NAMES: Readonly<Record<string, string>> = { origin_rollup: 'origin', target_rollup: 'target' }

/** The fields of an event's log line: its arguments by name. */
export function logFields(config: EvmContractConfig, event: Event): Readonly<Record<string, Json>> {
  if (config.preset !== 'tesseract') return event.args
  return Object.fromEntries(Object.entries(event.args).map(([name, value]) => [TESSERACT_NAMES[name] ?? name, value]))
}
