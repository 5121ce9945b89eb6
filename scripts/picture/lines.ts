/** A piece of a line in one colour. */
export interface Span {
  readonly text: string
  /** The SGR code of its colour; 0 is the terminal's own. */
  readonly code: number
}

// oxlint-disable-next-line no-control-regex -- escape sequences begin with a control character
const SEQUENCE = /\u001B\[([\d;]*)([A-Za-z])/
/** What script(1) writes around a recording. */
const FRAME = /^Script (?:started|done) on /

/** The lines of a recording, each in its colours. Sequences other than colours are left out. */
export function linesOf(recording: string): readonly (readonly Span[])[] {
  const lines = recording
    .replaceAll('\r', '')
    .split('\n')
    .filter((line) => !FRAME.test(line))
  while (lines.at(-1)?.trim() === '') lines.pop()
  return lines.map(spansOf)
}

function spansOf(line: string): readonly Span[] {
  const spans: Span[] = []
  let code = 0
  let rest = line
  for (let match = SEQUENCE.exec(rest); match !== null; match = SEQUENCE.exec(rest)) {
    push(spans, rest.slice(0, match.index), code)
    if (match[2] === 'm') code = Number(match[1])
    rest = rest.slice(match.index + match[0].length)
  }
  push(spans, rest, code)
  return spans
}

function push(spans: Span[], text: string, code: number): void {
  if (text !== '') spans.push({ text, code })
}
