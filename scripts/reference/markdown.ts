/** A table; cells are Markdown already. Columns line up when the page is formatted. */
export function table(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [heading, heading.map(() => '---'), ...rows]
  return lines.map((cells) => `| ${cells.map(cell).join(' | ')} |`).join('\n')
}

function cell(text: string): string {
  return text.replaceAll(/\s*\n\s*/g, ' ').replaceAll('|', '\\|')
}

/** Text between backticks; `-` where there is none. */
export function code(text: string): string {
  return text === '' ? '' : `\`${text}\``
}

/** Plain words as Markdown: what would be taken for markup stays as it is written. Text between backticks is left alone. */
export function words(text: string): string {
  return text
    .split(/(`[^`]*`)/)
    .map((piece) => (piece.startsWith('`') ? piece : piece.replaceAll(/[<>*_[\]]/g, (sign) => `\\${sign}`)))
    .join('')
}

export function fence(language: string, text: string): string {
  return `\`\`\`${language}\n${text.replace(/\n+$/, '')}\n\`\`\``
}
