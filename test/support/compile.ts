import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

import { z } from 'zod'

import { ROOT } from '../tidy/sources.ts'
import type { Artifact } from './deploy.ts'

const compilerSchema = z.object({
  compile: z.custom<(input: string) => string>((value) => typeof value === 'function'),
})

const outputSchema = z.object({
  errors: z.array(z.object({ severity: z.string(), formattedMessage: z.string() })).default([]),
  contracts: z
    .record(
      z.string(),
      z.record(
        z.string(),
        z.object({
          abi: z.array(z.record(z.string(), z.json())),
          evm: z.object({ bytecode: z.object({ object: z.string() }) }),
        }),
      ),
    )
    .default({}),
})

/** Compiles the one contract of a Solidity file of the tests, named from the repository's root. */
export function compileSolidity(path: string): Artifact {
  const compiler = compilerSchema.parse(createRequire(import.meta.url)('solc'))
  const input = {
    language: 'Solidity',
    sources: { [path]: { content: readFileSync(join(ROOT, path), 'utf8') } },
    settings: { evmVersion: 'paris', outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object'] } } },
  }
  const output = outputSchema.parse(JSON.parse(compiler.compile(JSON.stringify(input))))
  const faults = output.errors.filter(({ severity }) => severity === 'error')
  const [contract] = Object.values(output.contracts[path] ?? {})
  if (faults.length > 0 || contract === undefined) {
    throw new Error(`${path} does not compile: ${faults.map((fault) => fault.formattedMessage).join('\n')}`)
  }
  return { abi: contract.abi, bytecode: `0x${contract.evm.bytecode.object}` }
}
