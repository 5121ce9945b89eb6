import { existsSync, globSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'

import { referencePages } from '../scripts/reference/pages.ts'
import { builtInAlerts } from '../scripts/reference/rule-files.ts'
import { collectors } from '../src/collectors/index.ts'
import { loadConfig } from '../src/config/index.ts'
import { FAILURE_REASONS } from '../src/lib/errors.ts'
import { checkEventRules, eventRuleSchema } from '../src/rules/index.ts'
import { allPages, codeOf, fencesOf, groupsOf, headingsBelow, headingsOf, linksOf, readPage } from './docs/pages.ts'
import { ROOT } from './tidy/sources.ts'

const PICTURE_BYTES_MAX = 200_000
const REFERENCE_MS = 60_000
const CALL = /(?:^|[\s/])chainwarden +([a-z]+)( [a-z]+)?(.*)$/

const pages = allPages()
const commandLine = globSync('src/cli/*.ts', { cwd: ROOT })
  .filter((file) => !file.endsWith('.test.ts'))
  .map(textOf)
  .join('\n')
/** `run`, `rules lint`: a command below another hangs on a variable of its name. */
const commands = groupsOf(commandLine, /(\w+)\s*\.command\('([a-z]+)/g).map(([parent, name]) =>
  parent === 'program' ? name : `${parent} ${name}`,
)
const alerts = builtInAlerts().flatMap(({ alerts: list }) => list.map(({ alert }) => alert))
const events = Object.fromEntries(collectors.flatMap((collector) => Object.entries(collector.events)))

describe('README', () => {
  const readme = readPage('README.md')
  const [firstScreen = ''] = readme.text.split(/^## /m)

  test('its first screen says how to run it and how to test it, and shows one picture that loads quickly', () => {
    expect(firstScreen).toContain('npm ci && npm start')
    expect(firstScreen).toContain('npm test')
    const pictures = groupsOf(firstScreen, /!\[[^\]]+\]\(([^)]+)\)/g).flat()
    expect(pictures).toHaveLength(1)
    expect(statSync(join(ROOT, pictures[0] ?? '')).size).toBeLessThan(PICTURE_BYTES_MAX)
  })

  test('it has a place for what the benchmarks measured', () => {
    expect(readme.text).toMatch(/<!-- bench -->[\s\S]*<!-- \/bench -->/)
  })

  test('every page of docs and examples can be reached from it', () => {
    const reached = new Set(['README.md'])
    for (const path of reached) {
      const page = pages.find((each) => each.path === path)
      for (const { file } of page === undefined ? [] : linksOf(page)) {
        const inFolder = pages.filter((each) => each.path.startsWith(`${file}/`)).map((each) => each.path)
        for (const next of inFolder.concat(file)) reached.add(next)
      }
    }

    const lost = pages.filter(({ path }) => /^(?:docs|examples)\//.test(path) && !reached.has(path))
    expect(lost.map(({ path }) => path)).toEqual([])
  })
})

describe('what the documents name exists', () => {
  test('every npm script', () => {
    const manifest = z.object({ scripts: z.record(z.string(), z.string()) })
    const { scripts } = manifest.parse(JSON.parse(textOf('package.json')))
    const code = pages.flatMap(codeOf).join('\n')
    const named = groupsOf(code, /\bnpm (?:run ([\w:]+)|(start|test)\b)/g).map((names) => names.join(''))

    expect(named.length).toBeGreaterThan(3)
    expect(named.filter((name) => !(name in scripts))).toEqual([])
  })

  test('every command and its options', () => {
    const help = readPage('docs/reference/commands.md').text.split(/^## /m)
    const unknown = pages.flatMap((page) =>
      codeOf(page).flatMap((code) => {
        const [, first = '', second = '', rest = ''] = CALL.exec(code) ?? []
        if (first === '' || first === 'chainwarden') return []
        const command = commands.includes(`${first}${second}`) ? `${first}${second}` : first
        const own = help.find((section) => section.startsWith(`${command}\n`)) ?? ''
        const options = groupsOf(rest, /\s(--[a-z-]+)/g).flat()
        const wrong = own === '' ? [command] : options.filter((option) => !own.includes(option))
        return wrong.map((word) => `${page.path}: ${code} (${word})`)
      }),
    )

    expect(commands.length).toBeGreaterThan(5)
    expect(unknown).toEqual([])
  })

  test('every link, with its heading', () => {
    const anchors = new Map(pages.map((page) => [page.path, headingsOf(page).map(({ anchor }) => anchor)]))
    const broken = pages.flatMap(linksOf).filter(({ file, anchor }) => {
      if (!existsSync(join(ROOT, file))) return true
      return anchor !== '' && !(anchors.get(file) ?? []).includes(anchor)
    })

    expect(broken.map(({ page, file, anchor }) => `${page} -> ${file}#${anchor}`)).toEqual([])
  })

  test('every path of the map, and every folder is on it', () => {
    const tree = fencesOf(readPage('AGENTS.md').text).find(({ language }) => language === 'text')
    const paths = (tree?.body ?? '').split('\n').flatMap((line) => line.split(/ {2,}/)[0]?.split(', ') ?? [])
    const named = paths.filter((path) => path !== '')

    expect(named.filter((path) => !existsSync(join(ROOT, path)))).toEqual([])
    const folders = readdirSync(join(ROOT, 'src'), { withFileTypes: true }).filter((entry) => entry.isDirectory())
    const missing = folders.filter(({ name }) => !named.some((path) => `${path}/`.startsWith(`src/${name}/`)))
    expect(missing.map(({ name }) => name)).toEqual([])
    const architecture = readPage('docs/architecture.md').text
    expect(folders.map(({ name }) => name).filter((name) => !architecture.includes(`| \`${name}\``))).toEqual([])
  })
})

describe('reference', () => {
  test(
    'it is up to date; if not: node scripts/reference.ts',
    async () => {
      const now = await referencePages()

      expect(now.map(({ path }) => path)).toHaveLength(5)
      expect(now.filter(({ path, text }) => textOf(path) !== text).map(({ path }) => path)).toEqual([])
    },
    REFERENCE_MS,
  )

  test('every command and every option has its help there', () => {
    const { text } = readPage('docs/reference/commands.md')
    const options = groupsOf(commandLine, /[[(]'(?:-\w, )?(--[a-z-]+)/g).flat()

    expect(options.length).toBeGreaterThan(10)
    expect(commands.filter((name) => !text.includes(`\n## ${name}\n`))).toEqual([])
    expect(options.filter((option) => option !== '--version' && !text.includes(`${option} `))).toEqual([])
  })

  test('every metric and every event of every type is there', () => {
    const metrics = readPage('docs/reference/metrics.md').text
    const types = readPage('docs/reference/events.md').text
    const names = collectors.flatMap((collector) => Object.keys(collector.metrics))
    const undocumented = names
      .filter((name) => !metrics.includes(`\`${name}\``))
      .concat(Object.keys(events).filter((name) => !types.includes(`\`${name}\``)))

    expect(undocumented).toEqual([])
  })

  const readmes = globSync('src/collectors/*/README.md', { cwd: ROOT }).map((file) => ({
    file,
    type: file.split('/')[2],
  }))

  test.each(readmes)('$file names every metric and every alert of its type', ({ file, type }) => {
    const text = textOf(file)
    const metrics = Object.keys(collectors.find((collector) => collector.type === type)?.metrics ?? {})
    const own = builtInAlerts().find(({ name }) => name === type)
    const names = metrics.concat(own?.alerts.map(({ alert }) => alert) ?? [])

    expect(names.length).toBeGreaterThan(5)
    expect(names.filter((name) => !text.includes(`\`${name}\``))).toEqual([])
  })
})

describe('troubleshooting', () => {
  const page = readPage('docs/troubleshooting.md')

  test('it has an entry for each reason, and for nothing else', () => {
    expect(headingsBelow(page, 'Reasons').toSorted()).toEqual([...FAILURE_REASONS].toSorted())
  })

  test('it has an entry for each alert, and for nothing else', () => {
    const own = globSync('src/{rules,alerting,outbox,app}/**/*.ts', { cwd: ROOT })
      .filter((file) => !file.endsWith('.test.ts'))
      .flatMap((file) => groupsOf(textOf(file), /'(Chainwarden[A-Z]\w+)'/g).flat())

    expect(alerts.length).toBeGreaterThan(30)
    expect(headingsBelow(page, 'Alerts').toSorted()).toEqual([...new Set([...alerts, ...own])].toSorted())
  })

  test('each alert says what it means, what it costs and what to do', () => {
    const entries = page.text.split(/^### /m).slice(1 + FAILURE_REASONS.length)
    const incomplete = entries.filter((entry) => !/\*\*Means\*\*[\s\S]*\*\*Costs\*\*[\s\S]*\*\*Do\*\*/.test(entry))

    expect(incomplete.map((entry) => entry.split('\n')[0])).toEqual([])
  })
})

describe('examples', () => {
  const files = globSync('examples/*.yaml', { cwd: ROOT }).toSorted()

  test.each(files)('%s loads', async (file) => {
    const names = groupsOf(textOf(file), /\$\{(\w+)\}/g).flat()
    const environment: Record<string, string> = Object.fromEntries(names.map((name) => [name, valueOf(name)]))
    const config = await loadConfig({ file: join(ROOT, file), environment })

    expect(config.targets.length).toBeGreaterThan(0)
    expect(config.alerting.receivers.length).toBeGreaterThan(0)
  })

  test('there are some, and each is listed', () => {
    const { text } = readPage('examples/README.md')

    expect(files.length).toBeGreaterThan(3)
    expect(files.filter((file) => !text.includes(`(${file.replace('examples/', '')})`))).toEqual([])
  })

  test('what the documents show as YAML is YAML, and their event rules are right', () => {
    const shown = pages.flatMap(({ path, text }) =>
      fencesOf(text)
        .filter(({ language }) => language === 'yaml')
        .map(({ body }): { readonly path: string; readonly value: unknown } => ({ path, value: parse(body) })),
    )
    const rules = shown.flatMap(({ path, value }) => eventRulesIn(value).map((rule) => ({ path, rule })))
    const faults = rules.flatMap(({ path, rule }) => faultsOf(rule).map((fault) => `${path}: ${fault}`))

    expect(rules.length).toBeGreaterThan(3)
    expect(faults).toEqual([])
  })

  test('every attribute that the guide to event rules lists can be asked for', () => {
    const listed = groupsOf(textOf('docs/guides/write-event-rules.md'), /`event\.([a-z_.]+(?:<name>)?)`/g).flat()
    const attributes = [...new Set(listed.map((attribute) => attribute.replace('<name>', 'x')))]
    const rules = attributes.map((attribute, index) =>
      eventRuleSchema.parse({ alert: `A${index}`, on: 'evm.log', where: `event.${attribute} == "x"` }),
    )

    expect(attributes.length).toBeGreaterThan(12)
    expect(checkEventRules(rules, events)).toEqual([])
  })
})

test('the changelog has a section for what is not yet released', () => {
  expect(readPage('CHANGELOG.md').text).toMatch(/^## unreleased$/m)
})

test('nothing names a folder of the machine it was written on', () => {
  const files = ['*.{md,json,yaml,yml,ts}', '{docs,examples,scripts,src,test}/**/*.{md,ts,yaml,yml,svg,sol}']
    .flatMap((pattern) => globSync(pattern, { cwd: ROOT }))
    .filter((file) => file !== 'test/docs.test.ts')

  expect(files.length).toBeGreaterThan(300)
  const guilty = files.filter((file) => /\/(?:work\/|home\/\w|Users\/\w|root\/|tmp\/)/.test(textOf(file)))
  expect(guilty).toEqual([])
})

function textOf(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8')
}

function valueOf(name: string): string {
  if (name.endsWith('ADDRESS')) return '0x5fbdb2315678afecb367f032d93f642f64180aa3'
  return name.endsWith('_URL') ? 'https://example.org/path' : 'a-secret-of-enough-length'
}

const eventRuleList = z.array(z.looseObject({ alert: z.string(), on: z.string() }))
const eventRuleDocument = z.looseObject({ event_rules: eventRuleList })

/** The event rules of a shown document, or of a shown list. */
function eventRulesIn(value: unknown): readonly unknown[] {
  const document = eventRuleDocument.safeParse(value)
  if (document.success) return document.data.event_rules
  const list = eventRuleList.safeParse(value)
  return list.success ? list.data : []
}

function faultsOf(rule: unknown): readonly string[] {
  const { data, error } = eventRuleSchema.safeParse(rule)
  if (error !== undefined) return error.issues.map(({ message }) => message)
  return checkEventRules([data], events).map(({ message }) => message)
}
