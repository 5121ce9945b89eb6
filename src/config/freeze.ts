/** Freezes plain lists and maps all the way down. What has a class of its own is left as it is. */
export function freeze<Value>(value: Value): Value {
  if (Array.isArray(value)) value.forEach((item: unknown) => freeze(item))
  else if (isPlain(value)) Object.values(value).forEach((item) => freeze(item))
  else return value
  return Object.freeze(value)
}

function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return false
  return Object.getPrototypeOf(value) === Object.prototype
}
