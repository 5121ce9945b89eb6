import { expect, test } from 'vitest'

import { createFolder } from '../../test/support/chainwarden.ts'
import { loadConfig } from '../config/index.ts'
import { createWorld } from '../lib/world.ts'
import { startProcess } from './process.ts'

test("when it is ready, each target's first start is stored: what happens from then on is no history", async () => {
  using folder = createFolder()
  const file = folder.write(
    'chainwarden.yaml',
    "server: { listen: '127.0.0.1:0' }\nlog: { level: error }\ntargets: [{ type: host, name: here }]\n",
  )
  const load = async () => loadConfig({ file, environment: {} })
  const console = { isTerminal: false, hasColour: false }
  const running = await startProcess({ config: await load(), load, world: createWorld(), console, version: '0' })
  const { isReady, targets } = await running.operations.status({ name: 'test', role: 'viewer' })
  await running.stop()

  expect({ isReady, targets: targets.map(({ target }) => target) }).toEqual({ isReady: true, targets: ['here'] })
})
