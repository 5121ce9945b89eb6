import { type AbiEvent, type EvmAbi, eventDecoder } from '../../chains/evm/index.ts'
import type { DecodedLog, LogDecoder } from './log-events.ts'

/**
 * Compiles the chosen events of an ABI. Two events may share a name (a contract's generations) or even a topic (the same
 * types, indexed otherwise): a log is what the first decoder of its topic that fits it says.
 */
export function createLogDecoder(abi: EvmAbi, chosen: 'all' | readonly string[]): LogDecoder {
  const events = abi.events.filter((event) => chosen === 'all' || chosen.includes(event.name))
  const byTopic = new Map<string, ReturnType<typeof compile>[]>()
  for (const event of events) {
    const decoders = byTopic.get(event.topic) ?? []
    decoders.push(compile(event))
    byTopic.set(event.topic, decoders)
  }
  return {
    topics: [...new Set(events.map((event) => event.topic))],
    names: [...new Set(events.map((event) => event.name))],
    decode(log) {
      const decoders = byTopic.get(log.topics[0] ?? '') ?? []
      for (const { name, decode } of decoders) {
        const decoded = decode(log)
        if (decoded.kind === 'values') return { kind: 'event', name, args: decoded.values }
      }
      return misfit(decoders[0]?.name)
    },
  }
}

function compile(event: AbiEvent) {
  return { name: event.name, decode: eventDecoder(event) }
}

function misfit(event: string | undefined): DecodedLog {
  return event === undefined ? { kind: 'other' } : { kind: 'undecodable', event }
}
