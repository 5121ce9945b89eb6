import { readFileSync, writeFileSync } from 'node:fs'

import { drawTerminal } from './picture/draw.ts'

// Turns what a terminal showed into the picture of the README. The recording is made by util-linux' script(1):
//   script -qefc './bin/chainwarden demo --seconds 62' demo.raw
//   node scripts/terminal-picture.ts demo.raw docs/images/demo.svg 'npm start'
const [recording = '', output = '', command = ''] = process.argv.slice(2)
if (recording === '' || output === '') {
  process.stderr.write('usage: terminal-picture.ts RECORDING OUTPUT.svg [COMMAND]\n')
  process.exitCode = 1
} else {
  writeFileSync(output, drawTerminal(readFileSync(recording, 'utf8'), command))
}
