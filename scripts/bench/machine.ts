import { availableParallelism, cpus, loadavg, totalmem } from 'node:os'

/** What figures depend on besides the program. */
export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryGibibytes: number
  readonly node: string
  readonly measuredAt: string
  /** Processes that wanted to run, the average of a minute: above `cores` the figures are worse than they should be. */
  readonly loadBefore: number
  readonly loadAfter: number
}

export function readMachine(): Machine {
  const [load = 0] = loadavg()
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryGibibytes: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    measuredAt: new Date().toISOString(),
    loadBefore: load,
    loadAfter: load,
  }
}
