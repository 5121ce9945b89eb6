/**
 * A version 7 UUID (RFC 9562): 48 bits of milliseconds, then chance.
 *
 * @param ms milliseconds since 1970, UTC
 * @param chance ten random bytes
 */
export function uuidV7(ms: number, chance: Uint8Array): string {
  const time = ms.toString(16).padStart(12, '0')
  const rest = Array.from(chance, (byte) => byte.toString(16).padStart(2, '0')).join('')
  const variant = ((chance[2] ?? 0) & 0x3f) | 0x80
  return `${time.slice(0, 8)}-${time.slice(8, 12)}-7${rest.slice(1, 4)}-${variant.toString(16)}${rest.slice(6, 8)}-${rest.slice(8, 20)}`
}
