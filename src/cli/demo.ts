import type { CommandContext } from './index.ts'

export async function demo(_context: CommandContext, _given: unknown): Promise<number> {
  return 1
}
