import { readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'

import { ConfigError, messageOf } from '../lib/errors.ts'

/** Names to values, as a process sees its environment. */
export type Environment = Readonly<Record<string, string | undefined>>

export interface EnvironmentFiles {
  /** `--env-file`: it must exist. */
  readonly file?: string | undefined
  /** `./.env`: read where it exists. */
  readonly optionalFile?: string | undefined
}

/**
 * The environment, with files of `NAME=value` lines behind it: what the process was really given wins.
 *
 * @throws ConfigError when the named file cannot be read
 */
export function readEnvironment(files: EnvironmentFiles = {}): Environment {
  const optional = files.optionalFile === undefined ? {} : readOptional(files.optionalFile)
  const named = files.file === undefined ? {} : readNamed(files.file)
  return { ...optional, ...named, ...process.env }
}

function readOptional(file: string): Environment {
  try {
    return parseEnv(readFileSync(file, 'utf8'))
  } catch {
    return {}
  }
}

function readNamed(file: string): Environment {
  try {
    return parseEnv(readFileSync(file, 'utf8'))
  } catch (error) {
    throw new ConfigError([{ file, message: `the environment file cannot be read: ${messageOf(error)}` }])
  }
}
