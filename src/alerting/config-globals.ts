import type { ReceiverKind } from './config.ts'

/**
 * The document with Alertmanager's `global` filled into the entries of receivers that leave a key out. `x` and `x_file`
 * stand for each other: an entry that has one of them gets neither.
 */
export function withGlobals(input: unknown, kinds: readonly ReceiverKind[]): unknown {
  if (!isMap(input) || !isMap(input['global']) || !Array.isArray(input['receivers'])) return input
  const globals = input['global']
  const fillReceiver = (receiver: unknown) => {
    if (!isMap(receiver)) return receiver
    const filled = kinds.flatMap(({ configKey, globals: standIns }) => {
      const entries = receiver[configKey]
      if (standIns === undefined || !Array.isArray(entries)) return []
      return [[configKey, entries.map((entry: unknown) => fillEntry(entry, standIns, globals))] as const]
    })
    return { ...receiver, ...Object.fromEntries(filled) }
  }
  return { ...input, receivers: input['receivers'].map(fillReceiver) }
}

function fillEntry(
  entry: unknown,
  standIns: Readonly<Record<string, string>>,
  globals: Readonly<Record<string, unknown>>,
): unknown {
  if (!isMap(entry)) return entry
  const missing = Object.entries(standIns).filter(([key, global]) => {
    const base = key.replace(/_file$/, '')
    return globals[global] !== undefined && entry[base] === undefined && entry[`${base}_file`] === undefined
  })
  return { ...entry, ...Object.fromEntries(missing.map(([key, global]) => [key, globals[global]])) }
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
