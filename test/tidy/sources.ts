import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'

/** A source file, by its path from the repository's root, with slashes. */
export interface SourceFile {
  readonly path: string
  readonly text: string
  /** Every module it names in an import or export, types included. */
  readonly imports: readonly string[]
}

export const ROOT = resolve(import.meta.dirname, '../..')

const IMPORT =
  /(?:^|\n)\s*(?:import|export)\s[^'"`;]*?from\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)|(?:^|\n)\s*import\s+['"]([^'"]+)['"]/g

/** Every TypeScript file below a folder of the repository. */
export function sourcesBelow(folder: string): readonly SourceFile[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => read(join(entry.parentPath, entry.name)))
}

function read(file: string): SourceFile {
  const text = readFileSync(file, 'utf8')
  const imports = [...text.matchAll(IMPORT)].map((match) => match[1] ?? match[2] ?? match[3] ?? '')
  return { path: relative(ROOT, file), text, imports }
}

/** Where a relative import leads, from the repository's root; undefined for a library. */
export function target(from: string, specifier: string): string | undefined {
  if (!specifier.startsWith('.')) return undefined
  return relative(ROOT, resolve(ROOT, dirname(from), specifier))
}

/** Source text without comments and strings' contents untouched: enough to look for words of code. */
export function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/(^|[^:'"`])\/\/.*$/gm, '$1')
}
