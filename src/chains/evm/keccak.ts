import type { Hex } from './contract.ts'

/*
 * Keccak-256 as Ethereum uses it (the Keccak submission's padding 0x01, not SHA-3's 0x06), after the Keccak team's
 * specification summary. Node's own crypto has SHA-3 only. Topics, selectors, checksums and blooms need a few thousand
 * of these, once: plain loops do. Lanes of 64 bits are pairs of 32: low word first.
 */

const RATE_BYTES = 136
const ROUNDS = 24
const LANES = 25

const ROUND_CONSTANTS = roundConstants()
const { order: LANE_ORDER, turns: LANE_TURNS } = laneWalk()

/** The Keccak-256 digest as 0x text. */
export function keccak256(input: string | Uint8Array): Hex {
  const bytes = typeof input === 'string' ? Buffer.from(input, 'utf8') : input
  const padded = Buffer.alloc((Math.floor(bytes.length / RATE_BYTES) + 1) * RATE_BYTES)
  padded.set(bytes)
  padded[bytes.length] = 0x01
  padded.writeUInt8(padded.readUInt8(padded.length - 1) | 0x80, padded.length - 1)

  const state = new Uint32Array(LANES * 2)
  for (let block = 0; block < padded.length; block += RATE_BYTES) {
    for (let word = 0; word < RATE_BYTES / 4; word++) {
      state[word] = at(state, word) ^ padded.readUInt32LE(block + word * 4)
    }
    permute(state)
  }
  return `0x${Buffer.from(state.buffer, 0, 32).toString('hex')}`
}

function permute(state: Uint32Array): void {
  const columns = new Uint32Array(10)
  const row = new Uint32Array(10)
  for (let round = 0; round < ROUNDS; round++) {
    theta(state, columns)
    rhoAndPi(state)
    chi(state, row)
    state[0] = at(state, 0) ^ at(ROUND_CONSTANTS, round * 2)
    state[1] = at(state, 1) ^ at(ROUND_CONSTANTS, round * 2 + 1)
  }
}

function theta(state: Uint32Array, columns: Uint32Array): void {
  for (let half = 0; half < 10; half++) {
    columns[half] =
      at(state, half) ^ at(state, half + 10) ^ at(state, half + 20) ^ at(state, half + 30) ^ at(state, half + 40)
  }
  for (let x = 0; x < 5; x++) {
    const left = ((x + 4) % 5) * 2
    const right = ((x + 1) % 5) * 2
    const low = at(columns, left) ^ ((at(columns, right) << 1) | (at(columns, right + 1) >>> 31))
    const high = at(columns, left + 1) ^ ((at(columns, right + 1) << 1) | (at(columns, right) >>> 31))
    for (let lane = x * 2; lane < LANES * 2; lane += 10) {
      state[lane] = at(state, lane) ^ low
      state[lane + 1] = at(state, lane + 1) ^ high
    }
  }
}

/** Carries one lane around the walk: each takes the place of the next, turned by its own number of bits. */
function rhoAndPi(state: Uint32Array): void {
  let low = at(state, 2)
  let high = at(state, 3)
  for (let step = 0; step < LANES - 1; step++) {
    const lane = at(LANE_ORDER, step) * 2
    const turn = at(LANE_TURNS, step)
    const first = turn < 32 ? low : high
    const second = turn < 32 ? high : low
    const bits = turn % 32
    low = at(state, lane)
    high = at(state, lane + 1)
    state[lane] = bits === 0 ? first : (first << bits) | (second >>> (32 - bits))
    state[lane + 1] = bits === 0 ? second : (second << bits) | (first >>> (32 - bits))
  }
}

function chi(state: Uint32Array, row: Uint32Array): void {
  for (let start = 0; start < LANES * 2; start += 10) {
    for (let half = 0; half < 10; half++) row[half] = at(state, start + half)
    for (let half = 0; half < 10; half++) {
      state[start + half] = at(row, half) ^ (~at(row, (half + 2) % 10) & at(row, (half + 4) % 10))
    }
  }
}

/** The bits of an 8-bit shift register, spread to the places 2^j - 1 of each round's constant. */
function roundConstants(): Uint32Array {
  const constants = new Uint32Array(ROUNDS * 2)
  let register = 1
  for (let round = 0; round < ROUNDS; round++) {
    for (let j = 0; j <= 6; j++) {
      const place = 2 ** j - 1
      const half = round * 2 + (place < 32 ? 0 : 1)
      if ((register & 1) === 1) constants[half] = at(constants, half) ^ (1 << (place % 32))
      register = ((register << 1) ^ ((register >> 7) * 0x171)) & 0xff
    }
  }
  return constants
}

/** From lane (1, 0) each step goes from (x, y) to (y, 2x + 3y); the t-th lane is turned by the t-th triangular number. */
function laneWalk(): { readonly order: Uint8Array; readonly turns: Uint8Array } {
  const order = new Uint8Array(LANES - 1)
  const turns = new Uint8Array(LANES - 1)
  let [x, y] = [1, 0]
  for (let step = 0; step < LANES - 1; step++) {
    ;[x, y] = [y, (2 * x + 3 * y) % 5]
    order[step] = x + 5 * y
    turns[step] = (((step + 1) * (step + 2)) / 2) % 64
  }
  return { order, turns }
}

/** Typed arrays have a number at every index that is used here; the type checker cannot know. */
function at(words: Uint32Array | Uint8Array, index: number): number {
  return words[index] ?? 0
}
