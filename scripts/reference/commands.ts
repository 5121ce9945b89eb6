import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

import { EXIT } from '../../src/cli/exit.ts'
import { fence } from './markdown.ts'

const LAUNCHER = join(import.meta.dirname, '../../bin/chainwarden')

const INTRODUCTION = `# Commands

\`./bin/chainwarden\` in a clone, \`chainwarden\` where it is installed as a package.

Commands that read what happened (\`status\`, \`events\`, \`query\`) ask the process that runs on the configuration's folder.
With none running they open what it left behind.

| exit code | meaning |
| --- | --- |
| ${EXIT.fine} | fine |
| ${EXIT.mustChange} | you must change something: a sentence says what |
| ${EXIT.tryAgain} | try again: something outside failed, or another Chainwarden is at work on the same folder |

SIGTERM and SIGINT end \`run\` in order, within five seconds, with exit code ${EXIT.fine}. SIGHUP reads the configuration again; so
does \`POST /-/reload\`. A configuration with faults changes nothing and is said in the log.`

/** `commands.md`: what each command says of itself when it is asked for help. */
export async function commandsPage(): Promise<string> {
  const [root = '', ...sections] = await helpOf([])
  return [INTRODUCTION, root, ...sections].join('\n\n')
}

/** The help of a command, then of each command below it. */
async function helpOf(command: readonly string[]): Promise<readonly string[]> {
  const text = await help(command)
  const [, list = ''] = text.split('\nCommands:\n')
  const names = [...list.matchAll(/^ {2}([a-z][\w-]*)/gm)]
    .map(([, name = '']) => name)
    .filter((name) => name !== 'help')
  const below = await Promise.all(names.map(async (name) => helpOf([...command, name])))
  const heading = command.length === 0 ? '' : `## ${command.join(' ')}\n\n`
  return [`${heading}${fence('text', text)}`, ...below.flat()]
}

/** Without a terminal, help is 80 columns wide whoever asks. */
async function help(command: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(LAUNCHER, [...command, '--help'])
  return stdout
}
