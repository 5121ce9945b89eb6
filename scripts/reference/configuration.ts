import { channels } from '../../src/channels/index.ts'
import { collectors } from '../../src/collectors/index.ts'
import { targetFields } from '../../src/collectors/target-fields.ts'
import { configJsonSchema } from '../../src/config/index.ts'
import { code, table, words } from './markdown.ts'
import { type JsonSchema, type Key, keysOf, readSchema } from './schema.ts'

const SECTIONS = ['server', 'storage', 'metrics', 'log', 'rules'] as const

const INTRODUCTION = `# Configuration

Everything that may stand in \`chainwarden.yaml\`. \`chainwarden check\` says whether a file is right, with the line of each
fault; \`chainwarden schema\` prints the same as JSON Schema, for an editor.

- A key that is not listed here is an error. So is a value of another type.
- A **duration** is written as \`500ms\`, \`10s\`, \`5m\`, \`1h30m\`, \`7d\` or \`2w\`. \`1d\` is 24 hours.
- A **size** is written as \`500MB\` or \`2GB\`; \`1kB\` is 1000 bytes.
- A **secret** is a text that is never shown: logs, errors and answers say \`<secret>\`.
- \`\${NAME}\` takes a value from the environment, \`\${file:path}\` the text of a file, \`$\${\` is a plain \`\${\`. An unquoted value
  that is one reference is read again as YAML, so that \`\${PORT}\` can be a number. This holds in this file only: files of
  Prometheus and Alertmanager are read as they stand.
- Paths are relative to the file they stand in.
- Put \`0x...\` in quotes. YAML reads it as a number otherwise, and \`check\` says so.

With no file at all, \`chainwarden run\` watches this host.`

/** `configuration.md`, from the schemas that check the configuration. */
export function configurationPage(): string {
  const root = readSchema(configJsonSchema())
  return [
    INTRODUCTION,
    ...SECTIONS.map((name) => section(`## ${name}`, property(root, name))),
    ...targetSections(root),
    section('## event_rules', items(property(root, 'event_rules')), EVENT_RULES),
    ...alertingSections(root),
    '## actions\n\nThere are none yet: the list must be empty.',
  ].join('\n\n')
}

const EVENT_RULES =
  'A list of rules that say which events raise an alert at once. How to write them: ' +
  '[guides/write-event-rules.md](../guides/write-event-rules.md).'

function section(heading: string, schema: JsonSchema, text?: string): string {
  const introduction = text ?? words(schema.description ?? '')
  return [heading, ...(introduction === '' ? [] : [introduction]), keyTable(keysOf(schema))].join('\n\n')
}

function keyTable(keys: readonly Key[], fallback = ''): string {
  return table(
    ['key', 'type', 'default', 'meaning'],
    keys.map((key) => [
      code(key.path),
      words(key.type),
      key.isNeeded ? 'needed' : code(key.default),
      words(key.description === '' ? fallback : key.description),
    ]),
  )
}

/** The keys that every target has stand once; where their default differs by type, the type says it. */
function targetSections(root: JsonSchema): readonly string[] {
  const types = (items(property(root, 'targets')).anyOf ?? []).map((schema) => keysOf(schema))
  const common = new Set(Object.keys(targetFields('', '1s')))
  const shown = (types[0] ?? []).filter(({ path }) => common.has(path)).map((key) => commonKey(key, types))
  const list = collectors.map(({ type, summary }) => `- [\`${type}\`](#${type}): ${words(summary)}`).join('\n')
  return [
    `## targets\n\nWhat is watched, one entry each:\n\n${list}\n\n### Keys of every target\n\n${keyTable(shown)}`,
    ...collectors.map(({ type, summary, environment = {} }, index) => {
      const own = (types[index] ?? []).filter(({ path }) => !common.has(path) || path === 'interval')
      const variables = Object.entries(environment).map(([name, key]) => `\`${name}\` for \`${key}\``)
      const note =
        variables.length === 0 ? '' : `\n\nThe environment stands in for keys left out: ${variables.join(', ')}.`
      return `### ${type}\n\n${words(summary)}${note}\n\n${keyTable(own)}`
    }),
  ]
}

function commonKey(key: Key, types: readonly (readonly Key[])[]): Key {
  const all = types.flatMap((keys) => keys.filter(({ path }) => path === key.path))
  if (key.path === 'type') return Object.assign({}, key, { type: all.map(({ type }) => type).join(' or ') })
  if (all.every((other) => other.default === key.default)) return key
  return Object.assign({}, key, { default: '', description: `${key.description} The default is the type's.` })
}

const ALERTING = `Where alerts go: Alertmanager's keys, inline or in a file of their own. With no \`alerting\` at all, alerts go to the
console.

- \`file\`: an \`alertmanager.yml\`, read as it stands. Keys beside \`file\` win over those in it.
- Any key of a channel may be given as \`<key>_file\` (as \`api_url_file\`): its value is the text of that file.
- Parts of Alertmanager that are not served yet (inhibition, time intervals, templates, some receivers) are refused by
  name where they are not empty.`

const HTTP = 'http_config'

function alertingSections(root: JsonSchema): readonly string[] {
  const alternatives = property(root, 'alerting').anyOf ?? []
  const inline = alternatives.find(({ properties }) => properties?.['route'] !== undefined) ?? {}
  const own = keysOf(inline).filter(({ path }) => path === 'first_message' || path === 'global.resolve_timeout')
  const receivers = items(property(inline, 'receivers'))
  const entries = channels.map(({ configKey }) => items(listOf(property(receivers, configKey))))
  const http = entries.find((entry) => entry.properties?.[HTTP] !== undefined) ?? {}
  return [
    `## alerting\n\n${ALERTING}\n\n${keyTable(own)}`,
    section('### route', property(inline, 'route')),
    `### receivers\n\nEach has a \`name\`, which routes name, and any number of entries for each channel.`,
    ...channels.map((channel, index) => channelSection(channel, entries[index] ?? {})),
    `### ${HTTP}\n\nOf a channel, or in \`global\` for all of them.\n\n${keyTable(keysOf(property(http, HTTP)), FALLBACK)}`,
  ]
}

/** What Alertmanager's own documentation says of a key that we take as it does. */
const FALLBACK = 'As in Alertmanager.'

function channelSection({ configKey, summary, globals = {} }: (typeof channels)[number], entry: JsonSchema): string {
  const standIns = Object.entries(globals).map(([key, global]) => `\`global.${global}\` for \`${key}\``)
  const note = standIns.length === 0 ? '' : `\n\nA key left out is taken from \`global\`: ${standIns.join(', ')}.`
  const keys = keysOf(entry).filter(({ path }) => !path.startsWith(`${HTTP}.`))
  return `### ${configKey}\n\n${words(summary)}.${note}\n\n${keyTable(keys, FALLBACK)}`
}

function property(schema: JsonSchema, name: string): JsonSchema {
  return schema.properties?.[name] ?? {}
}

function items(schema: JsonSchema): JsonSchema {
  return schema.items ?? {}
}

/** The list, of what may be a list or nothing. */
function listOf(schema: JsonSchema): JsonSchema {
  return schema.anyOf?.find(({ type }) => type === 'array') ?? schema
}
