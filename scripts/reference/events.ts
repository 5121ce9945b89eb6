import { z } from 'zod'

import { collectors } from '../../src/collectors/index.ts'
import type { EventDefinition } from '../../src/core/event.ts'
import { code, table, words } from './markdown.ts'
import { type JsonSchema, readSchema, typeOf } from './schema.ts'

const INTRODUCTION = `# Events

Facts that happened, which \`chainwarden events\` lists and event rules look at (\`on:\` names the type).

Every event has \`type\`, \`name\`, \`target\`, \`labels\`, \`time\`, \`id\` and \`args\`. One from a chain also has \`block\` (\`number\`,
\`hash\`, \`time\`), \`tx\` (\`hash\`, \`index\`), \`log_index\`, \`address\` and \`chain_id\`, as far as they apply. \`id\` names the fact: it
is the same when the transaction is mined again in another block.

Integers of a chain are decimal texts of any size. In a rule's \`where\` they are integers, so \`event.args.amount > 5\` does
what it says.`

/** `events.md`, from the event tables. */
export function eventsPage(): string {
  const types = collectors.map(({ type, events }) => {
    const rows = Object.entries(events).map(([name, event]) => [code(name), words(event.help), argumentsOf(event)])
    return `## ${type}\n\n${table(['type', 'meaning', '`args`'], rows)}`
  })
  return [INTRODUCTION, ...types].join('\n\n')
}

function argumentsOf({ args }: EventDefinition): string {
  const schema: JsonSchema = readSchema(z.toJSONSchema(args))
  const named = Object.entries(schema.properties ?? {}).map(
    ([name, value]) => `${code(name)} (${words(typeOf(value))})`,
  )
  return named.length === 0 ? 'as the ABI names them' : named.join(', ')
}
