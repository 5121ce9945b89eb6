import { stringify } from 'yaml'

import { collectors } from '../collectors/index.ts'
import { ConfigError } from '../lib/errors.ts'
import type { Environment } from './environment.ts'
import { type Config, loadText } from './load.ts'

/**
 * The configuration that a preset makes of the environment of the script it replaces.
 *
 * @throws ConfigError when there is no such preset, or with every variable that is missing or wrong
 */
export async function loadPreset(name: string, environment: Environment): Promise<Config> {
  const presets = collectors.flatMap(({ presets: known = {} }) => Object.entries(known))
  const preset = presets.find(([known]) => known === name)?.[1]
  if (preset === undefined) {
    const names = presets.map(([known]) => known).join(', ')
    throw new ConfigError([{ message: `there is no preset ${name}; there are: ${names}` }])
  }
  const text = stringify(preset.fromEnvironment(environment)).replaceAll('${', '$${')
  return loadText(text, { file: `preset ${name}`, shownFile: undefined, environment })
}
