import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import { describe, expect, test } from 'vitest'

import { BANNED, CONFINED, FAMILIES, FAMILY_CONTRACTS, MAY_IMPORT, OPEN_FOLDERS } from './tidy/import-table.ts'
import { ROOT, sourcesBelow, target, withoutComments } from './tidy/sources.ts'

const LINES_MAX = 400

const sources = sourcesBelow('src')
const product = sources.filter((file) => !file.path.endsWith('.test.ts'))

describe('architecture', () => {
  test('the sources are seen at all', () => {
    expect(product.length).toBeGreaterThan(20)
    expect(product.some((file) => file.imports.length > 0)).toBe(true)
  })

  test('every folder below src is in the import table', () => {
    const folders = new Set(product.map((file) => unitOf(file.path)))

    expect([...folders].filter((folder) => MAY_IMPORT[folder] === undefined)).toEqual([])
  })

  test('a folder imports only what stands below it', () => {
    const breaches = product.flatMap((file) =>
      ourImports(file.path, file.imports)
        .filter((imported) => !mayImport(unitOf(file.path), imported))
        .map((imported) => `${file.path} imports ${imported}`),
    )

    expect(breaches).toEqual([])
  })

  test("nobody imports past another folder's contract", () => {
    const breaches = product.flatMap((file) =>
      ourImports(file.path, file.imports)
        .filter((imported) => !isContract(imported))
        .map((imported) => `${file.path} imports ${imported}`),
    )

    expect(breaches).toEqual([])
  })

  test.each(Object.entries(CONFINED))('%s stays where it belongs', (library, places) => {
    const breaches = product.filter(
      (file) =>
        file.imports.some((name) => name === library || name.startsWith(`${library}/`)) &&
        !places.some((place) => file.path.startsWith(place)),
    )

    expect(breaches.map((file) => file.path)).toEqual([])
  })

  test.each(BANNED)('$word comes in through the world only', ({ pattern, except }) => {
    const breaches = product.filter(
      (file) => !except.some((place) => file.path.startsWith(place)) && pattern.test(withoutComments(file.text)),
    )

    expect(breaches.map((file) => file.path)).toEqual([])
  })

  test.each(FAMILIES.filter((family) => existsSync(join(ROOT, 'src', family))))(
    'the list of %s names every folder, and no other',
    (family) => {
      const list = readFileSync(join(ROOT, 'src', family, 'index.ts'), 'utf8')
      const listed = [...list.matchAll(/from '\.\/([\w-]+)\/index\.ts'/g)].map((match) => match[1])
      const folders = readdirSync(join(ROOT, 'src', family), { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map((entry) => entry.name)

      expect(new Set(listed)).toEqual(new Set(folders))
    },
  )
})

describe('size', () => {
  test(`no file has more than ${LINES_MAX} lines, tests apart`, () => {
    const all = [...product, ...sourcesBelow('scripts')]
    const long = all.filter((file) => file.text.split('\n').length > LINES_MAX + 1)

    expect(long.map((file) => file.path)).toEqual([])
  })
})

/** The folder a file belongs to, as the import table names it: `lib`, `collectors`, `collectors/*`, `main`. */
function unitOf(path: string): string {
  const [, first = '', second, third] = path.split('/')
  if (second === undefined) return first.replace(/\.ts$/, '')
  if (FAMILIES.includes(first) && third !== undefined) return `${first}/*`
  return first
}

function ourImports(from: string, specifiers: readonly string[]): readonly string[] {
  return specifiers.flatMap((specifier) => {
    const path = target(from, specifier)
    return path === undefined || isWithin(from, path) ? [] : [path]
  })
}

/** Whether both belong to one unit: for an adapter, its own folder. */
function isWithin(from: string, path: string): boolean {
  const [, unit, member, deeper] = from.split('/')
  const [, otherUnit, otherMember, otherDeeper] = path.split('/')
  if (unit !== otherUnit) return false
  if (!FAMILIES.includes(unit ?? '')) return true
  if (deeper === undefined) return otherDeeper === undefined
  return otherDeeper !== undefined && member === otherMember
}

function mayImport(unit: string, imported: string): boolean {
  const allowed = MAY_IMPORT[unit] ?? []
  const importedUnit = unitOf(imported)
  if (importedUnit.endsWith('/*')) {
    const family = importedUnit.slice(0, -2)
    return unit === family && imported.endsWith('/index.ts')
  }
  if (unit.endsWith('/*') && importedUnit === unit.slice(0, -2)) {
    return (FAMILY_CONTRACTS[importedUnit] ?? []).includes(imported.split('/').at(-1) ?? '')
  }
  return allowed.includes(importedUnit)
}

function isContract(imported: string): boolean {
  const importedUnit = unitOf(imported)
  if (OPEN_FOLDERS.includes(importedUnit)) return true
  const parts = imported.split('/')
  const file = parts.at(-1) ?? ''
  if ((FAMILY_CONTRACTS[importedUnit] ?? []).includes(file) && parts.length === 3) return true
  if (importedUnit === 'chains' || imported.startsWith('src/api/contract/')) return file === 'index.ts'
  return file === 'index.ts' && parts.length === (importedUnit.endsWith('/*') ? 4 : 3)
}
