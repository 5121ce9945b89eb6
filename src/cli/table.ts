/** Rows as columns that line up; the first row is the heading. Long cells are cut, control characters shown as spaces. */
export function formatTable(rows: readonly (readonly string[])[], cellMax = 80): string {
  const cells = rows.map((row) => row.map((cell) => shorten(cell, cellMax)))
  const widths = cells.reduce<number[]>((wide, row) => {
    row.forEach((cell, index) => {
      wide[index] = Math.max(wide[index] ?? 0, cell.length)
    })
    return wide
  }, [])
  return cells
    .map(
      (row) =>
        `${row
          .map((cell, index) => cell.padEnd(widths[index] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('')
}

function shorten(text: string, max: number): string {
  // Text from a chain must not drive the terminal.
  // oxlint-disable-next-line no-control-regex
  const safe = text.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, ' ')
  return safe.length <= max ? safe : `${safe.slice(0, max - 1)}…`
}

/** One line of RFC 4180. A text that a spreadsheet would run as a formula gets a quote in front. */
export function csvLine(cells: readonly string[]): string {
  return `${cells.map(csvCell).join(',')}\r\n`
}

function csvCell(text: string): string {
  const isFormula = /^[=+\-@\t\r]/.test(text) && !/^-?\d+(?:\.\d+)?$/.test(text)
  const safe = isFormula ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
