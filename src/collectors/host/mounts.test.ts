import { expect, test } from 'vitest'

import { parseMounts } from './mounts.ts'

const OPTIONS = { root: '/', isForeign: false, ignored: [] }

test.each([
  ['rw,relatime', 'rw', false],
  ['ro,relatime', 'rw', false],
  ['ro,relatime', 'ro,errors=remount-ro', true],
  ['rw,relatime', 'ro', true],
])('a mount %s of a file system %s is read-only: %s', (mount, fileSystem, isReadonly) => {
  const mounts = parseMounts(`36 35 98:0 / / ${mount} - ext4 /dev/sda1 ${fileSystem}\n`, OPTIONS)

  expect(mounts.map((each) => each.isReadonly)).toEqual([isReadonly])
})
