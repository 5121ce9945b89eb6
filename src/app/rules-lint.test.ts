import { globSync } from 'node:fs'
import { join } from 'node:path'

import { describe, expect, test } from 'vitest'

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

const configured = async () => loadText(CONFIG, { file: 'test.yaml', shownFile: 'test.yaml', environment: {} })

describe('rules lint', () => {
  const builtIn = globSync('**/rules.yaml', { cwd: join(import.meta.dirname, '../collectors') })

  test('the rules that come with the types of targets have nothing to be found', async () => {
    const files = builtIn.map((file) => join(import.meta.dirname, '../collectors', file))
    const { findings, rules } = lintRuleFiles(files, await configured())

    expect(findings).toEqual([])
    expect(rules).toBeGreaterThan(20)
  })

  test('a file that cannot be read is a fault of the one who named it', () => {
    expect(() => lintRuleFiles(['nowhere.yml'], undefined)).toThrow(/nowhere\.yml: the file cannot be read/)
  })
})
