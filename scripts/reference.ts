import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

import { referencePages } from './reference/pages.ts'

// Writes docs/reference from the definitions themselves, so that what stands there is what the program does.
// test/docs.test.ts compares: run this again when it says that a page is out of date.
const root = join(import.meta.dirname, '..')
for (const { path, text } of await referencePages()) {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), text)
  process.stdout.write(`${path}\n`)
}
