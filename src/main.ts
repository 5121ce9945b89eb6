import { main } from './cli/index.ts'
import { createWorld } from './lib/world.ts'

process.exitCode = await main(process.argv.slice(2), createWorld())
