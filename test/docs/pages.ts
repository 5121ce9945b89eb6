import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import { ROOT } from '../tidy/sources.ts'

/** A Markdown page, by its path from the repository's root. */
export interface Page {
  readonly path: string
  readonly text: string
}

/** Every page that people read: at the root, below docs and examples, and beside the code. */
export function allPages(): readonly Page[] {
  return ['*.md', 'docs/**/*.md', 'examples/**/*.md', 'src/**/*.md']
    .flatMap((pattern) => globSync(pattern, { cwd: ROOT }))
    .toSorted()
    .map(readPage)
}

export function readPage(path: string): Page {
  return { path, text: readFileSync(join(ROOT, path), 'utf8') }
}

/** A heading, and how GitHub names it in a link. */
export interface Heading {
  readonly level: number
  readonly text: string
  readonly anchor: string
}

export function headingsOf({ text }: Page): readonly Heading[] {
  const seen = new Map<string, number>()
  return [...withoutFences(text).matchAll(/^(#{1,6}) +(.+?) *$/gm)].map(([, signs = '', words = '']) => {
    const plain = words.replaceAll(/[`*_\\]|\[([^\]]*)\]\([^)]*\)/g, (_, label?: string) => label ?? '')
    const slug = words
      .replaceAll(/[`*\\]/g, '')
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(/\s/g, '-')
    const count = seen.get(slug) ?? 0
    seen.set(slug, count + 1)
    return { level: signs.length, text: plain, anchor: count === 0 ? slug : `${slug}-${count}` }
  })
}

/** The headings of one level that stand below a heading of the level above it. */
export function headingsBelow(page: Page, above: string): readonly string[] {
  const headings = headingsOf(page)
  const start = headings.findIndex(({ text }) => text === above)
  const level = headings[start]?.level ?? 0
  const rest = headings.slice(start + 1)
  const end = rest.findIndex((heading) => heading.level <= level)
  return (end === -1 ? rest : rest.slice(0, end)).filter((each) => each.level === level + 1).map(({ text }) => text)
}

/** A link within the repository: the file it leads to, from the root, and the heading there. */
export interface Link {
  readonly page: string
  readonly file: string
  readonly anchor: string
}

/** Links to other files and headings; those that lead out of the repository are left out. */
export function linksOf({ path, text }: Page): readonly Link[] {
  return [...withoutFences(text).matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, target = '']) => {
    if (/^[a-z]+:/.test(target)) return []
    const [file = '', anchor = ''] = target.split('#')
    return [{ page: path, file: file === '' ? path : join(path, '..', file).replace(/\/$/, ''), anchor }]
  })
}

/** What stands in code: lines of fences, but for those that show plain text, and pieces between backticks. */
export function codeOf({ text }: Page): readonly string[] {
  const fenced = fencesOf(text).flatMap(({ language, body }) => (language === 'text' ? [] : body.split('\n')))
  const inline = [...withoutFences(text).matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code)
  return [...fenced, ...inline]
}

/** Fenced blocks with their language. */
export function fencesOf(text: string): readonly { readonly language: string; readonly body: string }[] {
  return [...text.matchAll(/^ *```(\w*)[^\n]*\n([\s\S]*?)^ *```/gm)].map(([, language = '', body = '']) => ({
    language,
    body,
  }))
}

function withoutFences(text: string): string {
  return text.replaceAll(/^ *```[\s\S]*?^ *```/gm, '')
}

/** Every match of a pattern, its groups; a group that took no part is empty. */
export function groupsOf(text: string, pattern: RegExp): readonly (readonly string[])[] {
  return [...text.matchAll(pattern)].map((match) => match.slice(1).map((group: string | undefined) => group ?? ''))
}
