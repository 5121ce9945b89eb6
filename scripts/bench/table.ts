import type { Figure } from './figure.ts'
import type { Machine } from './machine.ts'

const HEADINGS = ['', 'measured', 'goal', 'of the goal', 'how'] as const

/** For a terminal. */
export function formatTable(figures: readonly Figure[], machine: Machine): string {
  const rows = [HEADINGS, ...figures.map(cells)]
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
  return `${lines.join('\n')}\n${describe(machine)}\n`
}

/** For the README. */
export function formatMarkdown(figures: readonly Figure[], machine: Machine): string {
  const rows = [HEADINGS, HEADINGS.map(() => '---'), ...figures.map(cells)]
  return `${rows.map((row) => `| ${row.join(' | ')} |`).join('\n')}\n\n${describe(machine)}`
}

function cells({ what, value, goal, unit, how }: Figure): readonly string[] {
  const share = `${Math.round((value / goal) * 100)} %${value <= goal ? '' : ' (missed)'}`
  return [what, format(value, unit), format(goal, unit), share, how]
}

function format(value: number, unit: Figure['unit']): string {
  switch (unit) {
    case 'x':
      return `${value.toFixed(2)}x`
    case 'ms':
      return `${Math.round(value)} ms`
    case 's':
      return `${value.toFixed(2)} s`
    case 'MB':
      return `${value.toFixed(1)} MB`
  }
}

function describe({ cpu, cores, memoryGibibytes, node, measuredAt, loadBefore, loadAfter }: Machine): string {
  const load = `load ${loadBefore.toFixed(1)} before and ${loadAfter.toFixed(1)} after`
  return `Measured ${measuredAt.slice(0, 10)} on ${cores} cores (${cpu}), ${memoryGibibytes} GiB, Node ${node}; ${load}.`
}
