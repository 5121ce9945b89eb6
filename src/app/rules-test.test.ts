import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, expect, test } from 'vitest'

import { createVirtualWorld } from '../../test/support/virtual-world.ts'
import { testRuleFile } from './rules-test.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rules-test-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

function write(name: string, text: string): string {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}

const CASE = 'tests: [{ promql_expr_test: [{ expr: one, exp_samples: [{ labels: one, value: 1 }] }] }]\n'

test('rule files are found by pattern, beside the test file; a pattern without a file is told', async () => {
  write('a.rules.yml', 'groups: [{ name: g, rules: [{ record: one, expr: vector(1) }] }]')
  const file = write('test.yml', `rule_files: ['*.rules.yml', nowhere.yml]\n${CASE}`)

  const run = await testRuleFile(file, createVirtualWorld({ seed: 1 }), undefined)

  expect(run).toEqual({ passed: 1, skipped: 0, failures: [], missing: ['nowhere.yml'] })
})

test('a rule file with a fault is told with its line', async () => {
  write('a.yml', 'groups:\n- name: g\n  rules:\n  - { record: one, expr: "(" }\n')
  const file = write('test.yml', `rule_files: [a.yml]\n${CASE}`)

  await expect(testRuleFile(file, createVirtualWorld({ seed: 1 }), undefined)).rejects.toThrow(/a\.yml:4: /)
})
