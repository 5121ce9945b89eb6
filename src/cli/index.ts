import { Command, CommanderError } from 'commander'

import type { World } from '../lib/world.ts'
import { type Console, createConsole } from './console.ts'
import { EXIT, explain } from './exit.ts'
import { addRules } from './rules.ts'
import { readVersion } from './version.ts'

/** What every command is given. */
export interface CommandContext {
  readonly world: World
  readonly console: Console
}

const ENVIRONMENT_OPTION = ['--env-file <file>', 'NAME=value lines behind the environment'] as const
const CONFIG_OPTION = ['-c, --config <file>', 'the configuration', 'chainwarden.yaml'] as const

/**
 * Reads the command line, runs one command and says how it ended: 0 fine, 1 you must change something, 75 try again.
 * Each command is loaded when it is asked for.
 */
export async function main(argv: readonly string[], world: World): Promise<number> {
  const console = createConsole()
  const context = { world, console }
  let exitCode: number = EXIT.fine
  const does = (run: () => Promise<number>) => async () => {
    exitCode = await run()
  }
  const program = createProgram(context, does)
  try {
    await program.parseAsync([...argv], { from: 'user' })
    return exitCode
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.fine : EXIT.mustChange
    return explain(error, console)
  }
}

type Does = (run: () => Promise<number>) => () => Promise<void>

function createProgram(context: CommandContext, does: Does): Command {
  const program = new Command('chainwarden')
  program
    .description('Watches the chains you run, wakes you only for what is true, and mends what it may.')
    .version(readVersion(), '-V, --version')
    .exitOverride()
    .showHelpAfterError('(chainwarden --help shows what there is)')
    .configureOutput({ writeOut: context.console.out, writeErr: context.console.error })
  addRun(program, context, does)
  addCheck(program, context, does)
  addAsking(program, context, does)
  addRules(program, context, does)
  return program
}

function addRun(program: Command, context: CommandContext, does: Does): void {
  const run = program.command('run').description('Watch what the configuration names, until told to stop.')
  run
    .option(...CONFIG_OPTION)
    .option(...ENVIRONMENT_OPTION)
    .option('--preset <name>', 'take the configuration from the environment of the script it replaces')
    .option('--once', 'one round of everything, deliver what it says, and end: for cron')
    .action(does(async () => (await import('./run.ts')).run(context, run.opts())))
  const demo = program
    .command('demo')
    .description('Show it all in a minute: a real chain, a contract, this host, and a sink that prints the messages.')
  demo
    .option('--port <number>', 'where the demonstration listens', '9095')
    .option('--seconds <number>', 'end by itself after this long')
    .action(does(async () => (await import('./demo.ts')).demo(context, demo.opts())))
}

function addCheck(program: Command, context: CommandContext, does: Does): void {
  const check = program
    .command('check')
    .description('Check a configuration, and ask every endpoint in it what it can do.')
  check
    .option(...CONFIG_OPTION)
    .option(...ENVIRONMENT_OPTION)
    .option('--offline', 'do not ask the endpoints')
    .option('--json', 'print data instead of a table')
    .action(does(async () => (await import('./check.ts')).check(context, check.opts())))
  program
    .command('schema')
    .description('Print the JSON Schema of the configuration, for editors.')
    .action(does(async () => (await import('./schema.ts')).schema(context)))
  const init = program
    .command('init')
    .description('Ask a few questions, look at the node, and write a commented configuration that passes check.')
  init
    .option('-o, --output <file>', 'the file to write', 'chainwarden.yaml')
    .option('--force', 'write over an existing file')
    .option('--rpc-url <url>', 'the node’s RPC endpoint')
    .option('--address <address>', 'the contract')
    .option('--abi <file>', 'its ABI, a JSON file')
    .option('--preset <name>', 'a known contract, as tesseract')
    .option('--webhook-url <url>', 'where alerts go')
    .option('--yes', 'take the defaults instead of asking')
    .action(does(async () => (await import('./init.ts')).init(context, init.opts())))
}

/** Commands that ask the running process, or read what it left. */
function addAsking(program: Command, context: CommandContext, does: Does): void {
  const status = program.command('status').description('What is watched, and how it is.')
  status
    .option(...CONFIG_OPTION)
    .option(...ENVIRONMENT_OPTION)
    .option('--json', 'print data instead of a table')
    .action(does(async () => (await import('./status.ts')).status(context, status.opts())))
  const events = program.command('events').description('What happened, oldest first.')
  events
    .option(...CONFIG_OPTION)
    .option(...ENVIRONMENT_OPTION)
    .option('--target <name>', 'of this target only')
    .option('--name <name>', 'of this name only')
    .option('--from <time>', 'not before this time (ISO 8601 or seconds since 1970)')
    .option('--to <time>', 'not after this time')
    .option('--limit <number>', 'the newest so many', '1000')
    .option('--follow', 'go on with what happens from now on')
    .option('--format <format>', 'table, csv or json (one object a line)', 'table')
    .action(does(async () => (await import('./events.ts')).events(context, events.opts())))
  const query = program.command('query').description('Evaluate a PromQL expression now.').argument('<expression>')
  query
    .option(...CONFIG_OPTION)
    .option(...ENVIRONMENT_OPTION)
    .option('--time <time>', 'at this time instead (ISO 8601 or seconds since 1970)')
    .option('--json', 'print data instead of a table')
    .action(does(async () => (await import('./query.ts')).query(context, query.args[0] ?? '', query.opts())))
}
