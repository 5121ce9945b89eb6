import type { Config } from '../config/index.ts'
import type { World } from '../lib/world.ts'
import { type History, type Replayed, replayRules } from '../rules/index.ts'
import { readRuleFiles } from './rule-files.ts'

export interface RuleReplay {
  readonly files: readonly string[]
  /** Of whom the interval and the external labels are. */
  readonly config: Pick<Config, 'rules' | 'server'>
  readonly history: History
  /** Milliseconds UTC. */
  readonly fromMs: number
  readonly toMs: number
  readonly world: Pick<World, 'monotonic' | 'yield'>
  /** From 0 to 1. */
  readonly onProgress: (done: number) => void
}

/**
 * What rule files would have said over what was recorded.
 *
 * @throws ConfigError with every fault of the files, or where it would take too much
 */
export async function replayRuleFiles({ files, config, world, ...rest }: RuleReplay): Promise<Replayed> {
  return replayRules({
    ...rest,
    groups: readRuleFiles(files),
    defaultIntervalMs: config.rules.interval,
    externalLabels: config.rules.external_labels,
    externalUrl: config.server.external_url ?? '',
    clock: world,
  })
}
