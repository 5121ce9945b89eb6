import { AlreadyRunning, ConfigError, describeFault, messageOf, OutsideError } from '../lib/errors.ts'
import type { Console } from './console.ts'

/** How a command ends (design.md section 5). */
export const EXIT = { fine: 0, mustChange: 1, tryAgain: 75 } as const

/** Says in words why a command failed, and with which code it ends. */
export function explain(error: unknown, console: Console): number {
  if (error instanceof ConfigError) {
    const count = error.faults.length
    console.error(error.faults.map((fault) => `${describeFault(fault)}\n`).join(''))
    if (count > 1) console.error(`${count} faults\n`)
    return EXIT.mustChange
  }
  if (error instanceof AlreadyRunning) {
    console.error(`${error.message}\n`)
    return EXIT.tryAgain
  }
  if (error instanceof OutsideError) {
    console.error(`${error.message}\n`)
    return error.retry ? EXIT.tryAgain : EXIT.mustChange
  }
  console.error(`${error instanceof Error && error.stack !== undefined ? error.stack : messageOf(error)}\n`)
  return EXIT.mustChange
}
