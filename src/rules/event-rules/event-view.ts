import type { StoredEvent } from '../../core/event.ts'

/** An event in the words of design.md section 4, as CEL and templates see it. What it does not have is left out. */
export type EventView = Readonly<Record<string, unknown>>

export function viewOfEvent(event: StoredEvent): EventView {
  return {
    type: event.type,
    name: event.name,
    target: event.target,
    labels: event.labels,
    time: event.time,
    id: event.id,
    args: event.args,
    ...(event.block === undefined ? {} : { block: event.block }),
    ...(event.tx === undefined ? {} : { tx: event.tx }),
    ...(event.logIndex === undefined ? {} : { log_index: event.logIndex }),
    ...(event.address === undefined ? {} : { address: event.address }),
    ...(event.chainId === undefined ? {} : { chain_id: event.chainId }),
  }
}

/** The value of an attribute as the text of a label; undefined where the event has none, or where it is no plain value. */
export function attributeText(view: EventView, path: readonly string[]): string | undefined {
  let value: unknown = view
  for (const key of path) {
    if (!isRecord(value) || !Object.hasOwn(value, key)) return undefined
    value = value[key]
  }
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? String(value)
    : undefined
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
