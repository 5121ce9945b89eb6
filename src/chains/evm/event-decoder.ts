import type { Json } from '../../lib/json.ts'
import {
  type AbiReader,
  abiSource,
  type AddressWriter,
  compileFields,
  compileReader,
  createAddressWriter,
} from './abi-decode.ts'
import type { AbiType } from './abi-type.ts'
import type { AbiEvent, AbiEventInput, Decoded } from './abi.ts'
import { decoded } from './abi.ts'
import type { Hex } from './contract.ts'

/** What a decoder reads of a log. */
export interface LogContent {
  readonly topics: readonly Hex[]
  readonly data: Hex
}

/**
 * Compiles the decoder of one event: made once, then run for each of its logs. Arguments keep the order of the ABI. An
 * indexed argument that is no single word on chain (text, bytes, arrays, tuples) is known only by its hash, as the topic.
 * A log that does not fit is a fault: other contracts may emit a same-named event with other indexed arguments.
 */
export function eventDecoder(event: AbiEvent): (log: LogContent) => Decoded {
  const writeAddress = createAddressWriter()
  const indexed = event.inputs.filter((input) => input.isIndexed)
  const plain = event.inputs.filter((input) => !input.isIndexed)
  const readData = compileFields(plain, writeAddress)
  const readTopics = indexed.map(topicReader)
  const indexOfTopic = new Map(indexed.map((input, index) => [input.name, index]))
  const layout = event.inputs.map((input) => ({ name: input.name, topic: indexOfTopic.get(input.name) }))

  function read(log: LogContent): Readonly<Record<string, Json>> {
    const data = readData(log.data.slice(2))
    const values: Record<string, Json> = {}
    for (const { name, topic } of layout) {
      values[name] =
        (topic === undefined ? data[name] : readTopics[topic]?.(log.topics[topic + 1] ?? '0x', writeAddress)) ?? null
    }
    return values
  }

  return (log) => {
    if (log.topics.length !== indexed.length + 1) {
      return {
        kind: 'fault',
        fault: `the log has ${log.topics.length} topics, and ${event.signature} has ${indexed.length + 1}`,
      }
    }
    return decoded(() => read(log))
  }
}

type TopicReader = (topic: Hex, writeAddress: AddressWriter) => Json

function topicReader(input: AbiEventInput): TopicReader {
  if (!isOneWord(input.type)) return (topic) => topic
  const read: AbiReader = compileReader(input.type)
  return (topic, writeAddress) => read(abiSource(topic.slice(2), writeAddress), 0, 0)
}

function isOneWord(type: AbiType): boolean {
  return type.kind !== 'string' && type.kind !== 'bytes' && type.kind !== 'array' && type.kind !== 'tuple'
}
