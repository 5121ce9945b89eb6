/** What a command prints. The only place besides the log that writes to the terminal. */
export interface Console {
  readonly out: (text: string) => void
  readonly error: (text: string) => void
  readonly isTerminal: boolean
  readonly hasColour: boolean
}

/** Standard output and error. A reader that goes away (`| head`) is no reason to die. */
export function createConsole(): Console {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error
    })
  }
  const isTerminal = process.stdout.isTTY
  return {
    out: (text) => void process.stdout.write(text),
    error: (text) => void process.stderr.write(text),
    isTerminal,
    hasColour: isTerminal && process.stdout.hasColors(),
  }
}
