import { expect, test } from 'vitest'

import { ConfigError } from '../lib/errors.ts'
import { explainAtStart } from './database-errors.ts'

test.each([
  ['EACCES', 'permission denied'],
  ['EPERM', 'permission denied'],
  ['EROFS', 'the file system is read-only'],
  ['ENOENT', 'there is no such place, and none can be made'],
  ['ENOSPC', 'the disk is full'],
  ['ENOTDIR', 'a part of its path is no folder'],
  ['SQLITE_NOTADB', 'it is no database'],
])('at the start, %s is a fault of the configuration: %s', (code, words) => {
  const explained = explainAtStart(Object.assign(new Error(`${code}: mkdir`), { code }), '/data/lock.db')

  expect(explained).toBeInstanceOf(ConfigError)
  expect(String(explained)).toContain(`storage: the state in /data/lock.db cannot be used: ${words} (${code}: mkdir)`)
})

test('what nobody knows stays as it was thrown', () => {
  const thrown = new TypeError('a mistake of ours')

  expect(explainAtStart(thrown, '/data/lock.db')).toBe(thrown)
})
