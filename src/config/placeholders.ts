const KNOWN = [
  /^your[_ -]/i,
  /^<.*>$/,
  /^0x\.{2,}$/,
  /^change[_-]?me$/i,
  /^https?:\/\/\S*\.\.\.$/,
  /^(bot_token|chat_id|your_key|your_secret|xxx+)$/i,
]

/** Whether a value is still what a document shows as an example, as `YOUR_BOT_TOKEN` or `0x...`. */
function isPlaceholder(value: string): boolean {
  return KNOWN.some((pattern) => pattern.test(value.trim()))
}

/** Every text in a document that is still a placeholder, with its path. */
export function findPlaceholders(
  value: unknown,
  path: readonly PropertyKey[] = [],
): readonly { readonly path: readonly PropertyKey[]; readonly value: string }[] {
  if (typeof value === 'string') return isPlaceholder(value) ? [{ path, value }] : []
  if (Array.isArray(value)) return value.flatMap((item, index) => findPlaceholders(item, [...path, index]))
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, item]) => findPlaceholders(item, [...path, key]))
}
