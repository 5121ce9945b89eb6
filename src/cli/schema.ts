import { configJsonSchema } from '../config/index.ts'
import { EXIT } from './exit.ts'
import type { CommandContext } from './index.ts'

/** `schema`: the JSON Schema of `chainwarden.yaml`. */
export async function schema({ console }: CommandContext): Promise<number> {
  console.out(`${JSON.stringify(configJsonSchema(), null, 2)}\n`)
  return EXIT.fine
}
