import { globSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import { loadText } from '../config/index.ts'
import { lintRuleFiles } from './rules-lint.ts'

const CONFIG = `
targets:
  - { type: host, name: this-host }
  - type: evm-contract
    name: bridge
    preset: tesseract
    rpc_urls: ['http://127.0.0.1:8545']
    chain_id: 31337
    address: '0x5FbDB2315678afecb367f032d93F642f64180aa3'
`

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rules-lint-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const configured = async () => loadText(CONFIG, { file: 'test.yaml', shownFile: 'test.yaml', environment: {} })

describe('rules lint', () => {
  const builtIn = globSync('**/rules.yaml', { cwd: join(import.meta.dirname, '../collectors') })

  test('the rules that come with the types of targets have nothing to be found', async () => {
    const files = builtIn.map((file) => join(import.meta.dirname, '../collectors', file))
    const { findings, rules } = lintRuleFiles(files, await configured())

    expect(findings).toEqual([])
    expect(rules).toBeGreaterThan(20)
  })

  test('the jobs, series and bounds of a configuration are known, those of the process itself too', async () => {
    const config = await configured()
    const lint = (expr: string) => {
      writeFileSync(join(folder, 'r.yml'), `groups: [{ name: g, rules: [{ alert: A, expr: '${expr}' }] }]`)
      return lintRuleFiles([join(folder, 'r.yml')], config).findings.map(({ check }) => check)
    }

    expect(lint('up{job="tesseract"} == 0 or up{job="host"} == 0')).toEqual([])
    expect(lint('process_resident_memory_bytes{job="chainwarden"} > 1e9')).toEqual([])
    expect(lint('up{job="node"} == 0')).toEqual(['unknown-job'])
    expect(lint('node_load1 > 5')).toEqual(['unwritten-series'])
    const slow = 'histogram_quantile(0.95, rate(tesseract_resolution_time_seconds_bucket[5m]))'
    expect(lint(`${slow} > 60`)).toEqual([])
    expect(lint(`${slow} > 7200`)).toEqual(['threshold-above-bounds'])
  })

  test('a file that cannot be read is a fault of the one who named it', () => {
    expect(() => lintRuleFiles(['nowhere.yml'], undefined)).toThrow(/nowhere\.yml: the file cannot be read/)
  })
})
