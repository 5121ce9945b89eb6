import { execFileSync } from 'node:child_process'
import { cp, rm } from 'node:fs/promises'
import { basename, extname } from 'node:path'

// Node does not strip types below node_modules, so the published package carries JavaScript: the same tree, `src` -> `dist`.
const COPIED = new Set(['', '.yaml', '.json'])

await rm('dist', { recursive: true, force: true })
execFileSync('node_modules/.bin/tsc', ['-p', 'tsconfig.build.json'], { stdio: 'inherit' })
await cp('src', 'dist', {
  recursive: true,
  filter: (path) => COPIED.has(extname(path)) && basename(path) !== 'fixtures',
})
