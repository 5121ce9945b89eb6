import { expect, test } from 'vitest'

import { createFolder, startCommand } from '../../test/support/chainwarden.ts'
import { eventually } from '../../test/support/eventually.ts'

test('a signal in the middle of the start ends it in order, too', async () => {
  using folder = createFolder()
  const file = folder.write(
    'chainwarden.yaml',
    "server: { listen: '127.0.0.1:0' }\ntargets: [{ type: host, name: here }]\n",
  )
  await using command = startCommand(['run', '--config', file], folder.path)
  await eventually('it listens', async () => command.output().includes('listening'))

  expect(await command.stop('SIGTERM')).toMatchObject({ code: 0, signal: null })
})
