const TWO_31 = 0x8000_0000

/** Writes numbers into bytes that grow as needed. Reused: `reset` keeps the room. */
export class ByteWriter {
  #bytes: Uint8Array
  #view: DataView
  #length = 0

  constructor(capacity = 256) {
    this.#bytes = new Uint8Array(capacity)
    this.#view = new DataView(this.#bytes.buffer)
  }

  get length(): number {
    return this.#length
  }

  reset(): void {
    this.#length = 0
  }

  /** A view into the writer: valid until the next write. */
  written(): Uint8Array {
    return this.#bytes.subarray(0, this.#length)
  }

  /** Makes room for `count` more bytes. */
  #reserve(count: number): void {
    const needed = this.#length + count
    if (needed <= this.#bytes.length) return
    const grown = new Uint8Array(Math.max(needed, Math.ceil(this.#bytes.length * 1.6)))
    grown.set(this.written())
    this.#bytes = grown
    this.#view = new DataView(grown.buffer)
  }

  byte(value: number): void {
    this.#reserve(1)
    this.#bytes[this.#length++] = value
  }

  bytes(value: Uint8Array): void {
    this.#reserve(value.length)
    this.#bytes.set(value, this.#length)
    this.#length += value.length
  }

  uint32(value: number): void {
    this.#reserve(4)
    this.#view.setUint32(this.#length, value, true)
    this.#length += 4
  }

  float64(value: number): void {
    this.#reserve(8)
    this.#view.setFloat64(this.#length, value, true)
    this.#length += 8
  }

  /** An integer from 0 to 2^53, 7 bits a byte. */
  varint(value: number): void {
    this.#reserve(8)
    let rest = value
    while (rest >= TWO_31) {
      this.#bytes[this.#length++] = (rest % 128) | 128
      rest = Math.floor(rest / 128)
    }
    while (rest >= 128) {
      this.#bytes[this.#length++] = (rest & 127) | 128
      rest >>>= 7
    }
    this.#bytes[this.#length++] = rest
  }

  /** An integer of at most 52 bits with a sign; small ones of either sign are short. */
  zigzag(value: number): void {
    this.varint(value >= 0 ? value * 2 : -value * 2 - 1)
  }

  /** Puts a number of 32 bits at a place that was written before. */
  patchUint32(offset: number, value: number): void {
    this.#view.setUint32(offset, value, true)
  }
}

/** Thrown where bytes end too soon or say what cannot be: the blob is damaged. */
export class DamageError extends Error {
  override readonly name = 'DamageError'
}

/** Reads what `ByteWriter` wrote. Never reads past the end: throws a `DamageError` instead. */
export class ByteReader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #offset = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get offset(): number {
    return this.#offset
  }

  get isAtEnd(): boolean {
    return this.#offset >= this.#bytes.length
  }

  /** Moves on by `count` bytes and returns where they begin. */
  skip(count: number): number {
    const start = this.#offset
    if (count < 0 || start + count > this.#bytes.length) throw new DamageError('it ends too soon')
    this.#offset = start + count
    return start
  }

  byte(): number {
    return this.#bytes[this.skip(1)] ?? 0
  }

  bytes(count: number): Uint8Array {
    const start = this.skip(count)
    return this.#bytes.subarray(start, start + count)
  }

  uint32(): number {
    return this.#view.getUint32(this.skip(4), true)
  }

  float64(): number {
    return this.#view.getFloat64(this.skip(8), true)
  }

  varint(): number {
    const first = this.byte()
    if (first < 128) return first
    let value = first & 127
    let scale = 128
    for (let count = 1; count < 8; count++) {
      const next = this.byte()
      value += (next & 127) * scale
      if (next < 128) return value
      scale *= 128
    }
    throw new DamageError('a number is too long')
  }

  zigzag(): number {
    const value = this.varint()
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2
  }

  /** A varint that counts things, each of which takes memory: refused beyond `max`. */
  count(max: number): number {
    const value = this.varint()
    if (value > max) throw new DamageError('a count is too large')
    return value
  }
}
