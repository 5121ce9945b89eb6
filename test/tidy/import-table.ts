/**
 * Who may import whom. A folder may always import itself; every other import is listed here. Read it from top to bottom:
 * that is the architecture (docs/architecture.md says why). Type-only imports count.
 */
export const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  lib: [],
  core: ['lib'],
  tsdb: ['core', 'lib'],
  promql: ['core', 'lib'],
  state: ['core', 'lib'],
  chains: ['core', 'lib'],
  remote: ['core', 'lib'],
  fakes: ['core', 'lib'],
  rules: ['core', 'promql', 'lib'],
  alerting: ['core', 'lib'],
  remediation: ['core', 'lib'],
  outbox: ['core', 'lib'],
  collectors: ['core', 'chains', 'lib'],
  channels: ['core', 'chains', 'lib'],
  actions: ['core', 'chains', 'lib'],
  'collectors/*': ['collectors', 'chains', 'core', 'lib'],
  'channels/*': ['channels', 'core', 'lib'],
  'actions/*': ['actions', 'chains', 'core', 'lib'],
  config: ['collectors', 'channels', 'actions', 'rules', 'alerting', 'remediation', 'core', 'lib'],
  reports: ['core', 'promql', 'lib'],
  operations: ['core', 'lib', 'rules', 'alerting', 'outbox', 'remediation', 'state', 'promql', 'reports'],
  api: ['operations', 'core', 'lib'],
  bot: ['operations', 'api', 'core', 'lib'],
  cli: ['app', 'operations', 'api', 'config', 'fakes', 'lib'],
  app: [
    'config',
    'collectors',
    'channels',
    'actions',
    'rules',
    'alerting',
    'remediation',
    'outbox',
    'operations',
    'api',
    'bot',
    'reports',
    'remote',
    'promql',
    'tsdb',
    'state',
    'chains',
    'core',
    'lib',
  ],
  main: ['cli', 'lib'],
}

/** Folders whose members are folders of their own, each an adapter that may not know its siblings. */
export const FAMILIES = ['collectors', 'channels', 'actions']

/** Folders that have no `index.ts` as their contract, because they are no unit: their files are imported one by one. */
export const OPEN_FOLDERS = ['lib', 'core', 'fakes', 'app', 'cli', 'main']

/** Family files that a member, and those above, may import beside the family's `index.ts`. */
export const FAMILY_CONTRACTS: Readonly<Record<string, readonly string[]>> = {
  collectors: ['collector.ts', 'target-fields.ts'],
  channels: ['channel.ts', 'message.ts'],
  actions: ['action.ts'],
}

/** Heavy libraries, and the only places that may import them. */
export const CONFINED: Readonly<Record<string, readonly string[]>> = {
  // Tests compare our own ABI code with it; the product does without its 30 MB.
  viem: [],
  fastify: ['src/api/'],
  kysely: ['src/state/'],
  pg: ['src/state/'],
  'better-sqlite3': ['src/state/', 'src/tsdb/'],
  commander: ['src/cli/'],
  '@clack/prompts': ['src/cli/'],
  '@marcbachmann/cel-js': ['src/rules/'],
  'rotating-file-stream': ['src/lib/log-'],
}

/** Where time, chance and the network would come in past the world. */
export const BANNED: readonly {
  readonly word: string
  readonly pattern: RegExp
  readonly except: readonly string[]
}[] = [
  { word: 'Date.now', pattern: /\bDate\.now\b/, except: ['src/lib/world.ts'] },
  { word: 'new Date()', pattern: /\bnew Date\(\s*\)/, except: ['src/lib/world.ts'] },
  { word: 'performance.now', pattern: /\bperformance\.now\b/, except: ['src/lib/world.ts'] },
  { word: 'process.hrtime', pattern: /\bprocess\.hrtime\b/, except: ['src/lib/world.ts'] },
  { word: 'Math.random', pattern: /\bMath\.random\b/, except: ['src/lib/world.ts'] },
  { word: 'randomUUID', pattern: /\brandomUUID\b/, except: ['src/lib/world.ts'] },
  { word: 'randomBytes', pattern: /\brandomBytes\b/, except: ['src/lib/world.ts'] },
  { word: 'setTimeout', pattern: /\bsetTimeout\b/, except: ['src/lib/world.ts'] },
  { word: 'setInterval', pattern: /\bsetInterval\b/, except: ['src/lib/world.ts'] },
  { word: 'setImmediate', pattern: /\bsetImmediate\b/, except: ['src/lib/world.ts'] },
  { word: 'AbortSignal.timeout', pattern: /\bAbortSignal\.timeout\b/, except: ['src/lib/world.ts'] },
  { word: 'node:timers', pattern: /node:timers/, except: ['src/lib/world.ts'] },
  { word: 'fetch(', pattern: /(?<![\w.])fetch\(/, except: ['src/lib/world.ts'] },
  { word: 'process.env', pattern: /\bprocess\.env\b/, except: ['src/config/'] },
]
