import type { Command } from 'commander'

import type { CommandContext } from './index.ts'

type Does = (run: () => Promise<number>) => () => Promise<void>

const CONFIG = ['-c, --config <file>', 'the configuration that says what is watched', 'chainwarden.yaml'] as const
const ENVIRONMENT = ['--env-file <file>', 'NAME=value lines behind the environment'] as const

/** Commands that look at rules before anyone relies on them. */
export function addRules(program: Command, context: CommandContext, does: Does): void {
  const rules = program.command('rules').description('Look at rules before you rely on them.')
  const lint = rules
    .command('lint')
    .description('Find what is probably wrong with rules that are valid, each with a better one.')
    .argument('[files...]', 'rule files; without any, those of the configuration')
  lint
    .option(...CONFIG)
    .option(...ENVIRONMENT)
    .option('--json', 'print data instead of text')
    .action(does(async () => (await import('./rules-lint.ts')).rulesLint(context, lint.args, lint.opts())))
  const test = rules
    .command('test')
    .description('Run tests of rules, in promtool’s format: series in, alerts and answers out.')
    .argument('<files...>', 'test files')
  test
    .option('--run <expression>', 'only tests whose name this regular expression finds something in')
    .option('--json', 'print data instead of text')
    .action(does(async () => (await import('./rules-test.ts')).rulesTest(context, test.args, test.opts())))
  const replay = rules
    .command('replay')
    .description('What rules would have said over what was recorded, as a timeline, before you rely on them.')
    .argument('<rules...>', 'rule files')
  replay
    .option(...CONFIG)
    .option(...ENVIRONMENT)
    .option('--from <time>', 'where to begin: ISO 8601, seconds since 1970, or how long ago (6h)', '1d')
    .option('--to <time>', 'where to end; default: now')
    .option('--json', 'print data instead of a table')
    .action(does(async () => (await import('./rules-replay.ts')).rulesReplay(context, replay.args, replay.opts())))
}
