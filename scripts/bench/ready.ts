import { mkdirSync } from 'node:fs'
import { join } from 'node:path'

import { createLogger } from '../../src/lib/log.ts'
import { createWorld } from '../../src/lib/world.ts'
import { openTsdb } from '../../src/tsdb/index.ts'
import { startMeasured, startOnce } from './chainwarden.ts'
import { type Benchmark, median } from './figure.ts'

const GOAL_S = 2
const SERIES = 1_000
const SAMPLES_EACH = { full: 1_000, quick: 50 }
const SPACING_MS = 15_000
const ROUNDS_PER_FLUSH = 20
const REPETITIONS = { full: 5, quick: 1 }
const DAY_MS = 86_400_000

/** From the start of the launcher until ready, over a store of a million samples whose last process was killed. */
export const ready: Benchmark = {
  name: 'ready',
  async run({ folder, isQuick, say }) {
    const samplesEach = isQuick ? SAMPLES_EACH.quick : SAMPLES_EACH.full
    say(`storing ${SERIES * samplesEach} samples`)
    await fill(join(folder, 'data'), samplesEach)
    const plan = { folder, config: 'targets: [{ type: host, name: this-host }]\n' }
    await startOnce(plan, 'SIGKILL')
    const times: number[] = []
    for (let turn = 0; turn < (isQuick ? REPETITIONS.quick : REPETITIONS.full); turn += 1) {
      const process = await startMeasured(plan)
      times.push(process.readyMs / 1000)
      const stored = await process.value('count(bench_value)')
      if (stored !== SERIES) throw new Error(`${stored ?? 0} of ${SERIES} series are back`)
      await process.kill('SIGKILL')
    }
    const how = `${SERIES * samplesEach} samples in ${SERIES} series; median of ${times.length} starts, longest ${Math.max(...times).toFixed(2)} s`
    return [{ name: 'ready', what: 'ready after kill -9', value: median(times), goal: GOAL_S, unit: 's', how }]
  },
}

/** Samples of the last hours, as a process would have written them: a round at a time, committed every few rounds. */
async function fill(folder: string, samplesEach: number): Promise<void> {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const world = createWorld()
  const tsdb = await openTsdb({
    file: join(folder, 'samples.db'),
    world,
    log: createLogger({ level: 'warn', write: () => {}, now: () => world.now() }),
    limits: { maxSeries: SERIES * 2, maxSeriesPerScope: SERIES * 2 },
    retention: { rawMs: 30 * DAY_MS, historyMs: 400 * DAY_MS },
  })
  const end = world.now()
  for (let round = samplesEach; round > 0; round -= 1) {
    const samples = Array.from({ length: SERIES }, (_, series) => ({
      name: 'bench_value',
      labels: { series: String(series) },
      value: Math.sin(series + round / 10) * 1_000,
    }))
    tsdb.append({ at: end - round * SPACING_MS, scope: 'bench', labels: {}, samples })
    if (round % ROUNDS_PER_FLUSH === 0) await tsdb.flush()
  }
  await tsdb.close()
}
