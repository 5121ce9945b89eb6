/**
 * Compiles the contracts of `src/fakes/contracts` into the JSON files beside them, which are committed: the compiler is
 * needed by whoever changes a contract (who then runs `npm run format`), and by nobody else. `--check` says whether they are what their sources give.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { isDeepStrictEqual } from 'node:util'

import { z } from 'zod'

const FOLDER = fileURLToPath(new URL('../src/fakes/contracts/', import.meta.url))

const outputSchema = z.object({
  errors: z.array(z.object({ severity: z.string(), formattedMessage: z.string() })).default([]),
  contracts: z
    .record(
      z.string(),
      z.record(
        z.string(),
        z.object({ abi: z.array(z.unknown()), evm: z.object({ bytecode: z.object({ object: z.string() }) }) }),
      ),
    )
    .default({}),
})

const compilerSchema = z.object({
  compile: z.custom<(input: string) => string>((value) => typeof value === 'function'),
})

const solc = compilerSchema.parse(createRequire(import.meta.url)('solc'))
const isCheck = process.argv.includes('--check')

for (const source of readdirSync(FOLDER).filter((file) => file.endsWith('.sol'))) {
  const file = `${FOLDER}${source.replace(/\.sol$/, '.json')}`
  const compiled = artifact(source)
  if (!isCheck) writeFileSync(file, `${JSON.stringify(compiled, undefined, 2)}\n`)
  else if (!isDeepStrictEqual(JSON.parse(readFileSync(file, 'utf8')), compiled)) {
    throw new Error(`${file} is not what ${source} compiles to`)
  }
}

/** One contract a file: `{ contractName, abi, bytecode }`. */
function artifact(source: string) {
  const input = {
    language: 'Solidity',
    sources: { [source]: { content: readFileSync(`${FOLDER}${source}`, 'utf8') } },
    settings: {
      optimizer: { enabled: true, runs: 200 },
      evmVersion: 'paris',
      metadata: { bytecodeHash: 'none' },
      outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object'] } },
    },
  }
  const output = outputSchema.parse(JSON.parse(solc.compile(JSON.stringify(input))))
  const errors = output.errors.filter(({ severity }) => severity === 'error')
  if (errors.length > 0) throw new Error(errors.map(({ formattedMessage }) => formattedMessage).join('\n'))
  const [entry] = Object.entries(output.contracts[source] ?? {})
  if (entry === undefined) throw new Error(`${source} has no contract`)
  const [contractName, { abi, evm }] = entry
  return { contractName, abi, bytecode: `0x${evm.bytecode.object}` }
}
