import type { Mark } from './cursor.ts'

const DENSE_MAX = 160

/**
 * Which older blocks to remember. Above `settled` all of them (at most the newest 160), so that the common ancestor of a
 * reorg is known exactly. Of what is older, marks at distances that grow with their age, down to the first: an ancestor
 * that lies between two marks costs a rescan and nothing else, and a chain that was replaced as a whole is noticed.
 *
 * @param marks ascending by number
 * @returns about 220 at most, however long the chain
 */
export function pruneMarks(marks: readonly Mark[], settled: number): readonly Mark[] {
  const firstUnsettled = marks.findIndex((mark) => mark.number > settled)
  const unsettled = firstUnsettled === -1 ? 0 : marks.length - firstUnsettled
  const split = marks.length - Math.min(unsettled, DENSE_MAX)
  return [...spaced(marks.slice(0, split)), ...marks.slice(split)]
}

/**
 * Drops a mark only where its two neighbours are close to one another for their age. Choosing by age alone would starve:
 * what is dropped young never grows old.
 */
function spaced(marks: readonly Mark[]): readonly Mark[] {
  const newest = marks.at(-1)
  const oldest = marks[0]
  if (newest === undefined || oldest === undefined || marks.length < 3) return marks
  const kept = [newest]
  let last = newest
  for (let index = marks.length - 2; index > 0; index -= 1) {
    const mark = marks[index]
    const older = marks[index - 1]
    if (mark === undefined || older === undefined) break
    if (last.number - older.number <= (newest.number - last.number) / 2) continue
    kept.push(mark)
    last = mark
  }
  return [oldest, ...kept.toReversed()]
}
