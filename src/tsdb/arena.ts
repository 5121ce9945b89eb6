/** Where the numbers of a read go: memory of their own, or an arena. */
export type Allocate = (length: number) => Float64Array

/** Memory of its own for each list: for what a caller keeps. */
export const ownMemory: Allocate = (length) => new Float64Array(length)

const BLOCK_LENGTH = 128 * 1024

/**
 * Lends views into a few large blocks, and takes them all back at once. Compaction reads thousands of short columns a
 * second, and each array of its own would wait outside V8's heap, unseen by it, for a collection that comes late: that
 * took 100 MB.
 */
export class Arena {
  #block = new Float64Array(BLOCK_LENGTH)
  #used = 0

  /** Takes back all that was lent; whoever still reads it reads something else. */
  reset(): void {
    this.#used = 0
  }

  /** All zero, as a new array is. */
  readonly allocate: Allocate = (length) => {
    if (length > BLOCK_LENGTH) return new Float64Array(length)
    if (this.#used + length > this.#block.length) {
      this.#block = new Float64Array(BLOCK_LENGTH)
      this.#used = 0
    }
    const view = this.#block.subarray(this.#used, this.#used + length)
    this.#used += length
    return view.fill(0)
  }
}
