import { linesOf, type Span } from './lines.ts'

const COLUMN_PX = 7.83
const LINE_PX = 19
const PADDING_PX = 18
const BAR_PX = 34

/** Colours of SGR codes, on a dark ground; each reaches the contrast that small text needs. */
const COLOURS: Readonly<Record<number, string>> = { 31: '#ff7b72', 32: '#56d364', 34: '#79c0ff', 90: '#9aa4b2' }
const PLAIN = '#d7dde5'

/** A picture of a terminal: the text stays text, so that it can be read, searched and copied. */
export function drawTerminal(recording: string, command: string): string {
  const shown = linesOf(recording)
  const lines: readonly (readonly Span[])[] =
    command === ''
      ? shown
      : [
          [
            { text: '$ ', code: 32 },
            { text: command, code: 0 },
          ],
          ...shown,
        ]
  const columns = Math.max(...lines.map((spans) => spans.reduce((sum, { text }) => sum + text.length, 0)))
  const width = Math.ceil(columns * COLUMN_PX) + 2 * PADDING_PX
  const height = BAR_PX + lines.length * LINE_PX + PADDING_PX
  const texts = lines.map((spans, index) => lineElement(spans, BAR_PX + (index + 1) * LINE_PX - 5))
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">
<title>${escape(command === '' ? 'A terminal' : `What ${command} prints`)}</title>
<rect width="${width}" height="${height}" rx="8" fill="#0d1117"/>
<rect width="${width}" height="${BAR_PX - 8}" rx="8" fill="#1c2330"/>
<circle cx="18" cy="13" r="5" fill="#ff7b72"/><circle cx="36" cy="13" r="5" fill="#e3b341"/><circle cx="54" cy="13" r="5" fill="#56d364"/>
<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="13" fill="${PLAIN}" xml:space="preserve" style="white-space:pre">
${texts.filter((text) => text !== '').join('\n')}
</g>
</svg>
`
}

/** The width is given with the text, so that columns line up in whatever font the reader has. */
function lineElement(spans: readonly Span[], y: number): string {
  const length = spans.reduce((sum, { text }) => sum + text.length, 0)
  if (length === 0) return ''
  const width = (length * COLUMN_PX).toFixed(1)
  const inner = spans.map(({ text, code }) => {
    const colour = COLOURS[code]
    return colour === undefined ? escape(text) : `<tspan fill="${colour}">${escape(text)}</tspan>`
  })
  return `<text x="${PADDING_PX}" y="${y}" textLength="${width}" lengthAdjust="spacingAndGlyphs">${inner.join('')}</text>`
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
