import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

import { startAnvil } from '../../test/support/anvil.ts'
import { deploy } from '../../test/support/deploy.ts'
import { startMeasured, startOnce } from './chainwarden.ts'
import type { Benchmark } from './figure.ts'

const GOAL_MB = 120
const MINUTE_MS = 60_000
const SAMPLES = 20

/** Resident memory of everything that `run` started, with one contract on a chain with a block a second, and this host. */
export const memory: Benchmark = {
  name: 'memory',
  async run({ folder, minutes, say }) {
    const anvil = await startAnvil()
    try {
      const contract = await deploy(anvil, 'counter')
      await anvil.rpc('evm_setIntervalMining', [1])
      writeFileSync(join(folder, 'counter.abi.json'), JSON.stringify(contract.abi))
      const plan = { folder, config: configOf(anvil.url, contract.address) }
      await startOnce(plan, 'SIGTERM')
      say(`watching memory for ${minutes} minutes`)
      const process = await startMeasured(plan)
      try {
        const seen: number[] = []
        for (let sample = 1; sample <= SAMPLES; sample += 1) {
          await pause((minutes * MINUTE_MS) / SAMPLES)
          await anvil.rpc('eth_sendTransaction', [{ ...contract.raw('countTo', ['1', 'a note']), gas: '0x100000' }])
          seen.push(treeMegabytes(process.pid))
        }
        const last = seen.at(-1) ?? 0
        const how = `after ${minutes} minutes, from the second start; highest of ${SAMPLES} looks ${Math.max(...seen).toFixed(1)} MB`
        return [
          {
            name: 'memory',
            what: 'resident memory, one contract and this host',
            value: last,
            goal: GOAL_MB,
            unit: 'MB',
            how,
          },
        ]
      } finally {
        await process.kill('SIGTERM')
      }
    } finally {
      await anvil.stop()
    }
  },
}

function configOf(url: string, address: string): string {
  return `
targets:
  - { type: host, name: this-host }
  - type: evm-contract
    name: counter
    rpc_urls: ['${url}']
    chain_id: 31337
    address: '${address}'
    abi: ./counter.abi.json
`
}

/** VmRSS of a process and all below it, in MB of 2^20 bytes. */
function treeMegabytes(root: number): number {
  const parents = new Map(processes().map(({ pid, parent }) => [pid, parent]))
  const isBelow = (pid: number): boolean => {
    for (let at: number | undefined = pid; at !== undefined; at = parents.get(at)) if (at === root) return true
    return false
  }
  const kibibytes = [...parents.keys()].filter(isBelow).map((pid) => statusField(pid, 'VmRSS'))
  return kibibytes.reduce((sum, value) => sum + value, 0) / 1024
}

function processes(): readonly { readonly pid: number; readonly parent: number }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => ({ pid: Number(name), parent: statusField(Number(name), 'PPid') }))
}

/** 0 for a process that has just ended. */
function statusField(pid: number, field: string): number {
  try {
    const text = readFileSync(`/proc/${pid}/status`, 'utf8')
    return Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0)
  } catch {
    return 0
  }
}
