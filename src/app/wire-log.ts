import type { Config } from '../config/index.ts'
import { createFileSink } from '../lib/log-file.ts'
import { formatJsonLine, formatPrettyLine } from '../lib/log-format.ts'
import { createStreamSink, type LogSink } from '../lib/log-sinks.ts'
import { createLogger, type Logger, type LogLine } from '../lib/log.ts'
import type { World } from '../lib/world.ts'

/** Where log lines of a process go, and how to finish them. */
export interface WiredLog {
  readonly log: Logger
  close(): Promise<void>
}

/** Logs to standard output as the configuration says, and to a file beside it where one is named. */
export function wireLog(
  config: Config,
  world: World,
  terminal: { readonly isTerminal: boolean; readonly hasColour: boolean },
): WiredLog {
  const { level, format = terminal.isTerminal ? 'pretty' : 'json', file, rotate } = config.log
  const stdout = createStreamSink(process.stdout)
  const pretty = (line: LogLine) => formatPrettyLine(line, { color: terminal.hasColour })
  const shown = format === 'pretty' ? pretty : formatJsonLine
  const fileSink = file === undefined ? undefined : openFile(file, rotate, { world, stdout })
  const log = createLogger({
    level,
    now: () => world.now(),
    write(line) {
      stdout.write(shown(line))
      fileSink?.write(formatJsonLine(line))
    },
  })
  return {
    log,
    async close() {
      await Promise.all([stdout.close(), fileSink?.close()])
    },
  }
}

function openFile(
  path: string,
  rotate: Config['log']['rotate'],
  { world, stdout }: { readonly world: World; readonly stdout: LogSink },
): LogSink {
  return createFileSink({
    path,
    rotate: { everyMs: rotate.every, sizeBytes: rotate.size, keep: rotate.keep },
    now: () => world.now(),
    onProblem: (sentence) => {
      const line = {
        timestampMs: world.now(),
        level: 'error',
        message: 'the log file fails',
        logger: 'log',
        fields: { detail: sentence },
      } as const
      stdout.write(formatJsonLine(line))
    },
  })
}
