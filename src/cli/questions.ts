import { ConfigError } from '../lib/errors.ts'

export interface Choice {
  readonly value: string
  readonly label: string
}

/** How questions are put: to a person, or to nobody. */
export interface Questions {
  text(question: string, initial: string): Promise<string>
  select(question: string, choices: readonly Choice[]): Promise<string>
}

/** Every answer is its default. */
export function takeDefaults(): Questions {
  return {
    text: async (_question, initial) => initial,
    select: async (_question, choices) => choices[0]?.value ?? '',
  }
}

/** Asks at the terminal; Ctrl-C ends the command. */
export async function askAtTerminal(): Promise<Questions> {
  const { isCancel, select, text } = await import('@clack/prompts')
  const answered = (answer: string | symbol): string => {
    if (isCancel(answer) || typeof answer !== 'string') throw new ConfigError([{ message: 'nothing was written' }])
    return answer
  }
  return {
    text: async (message, initial) => answered(await text({ message, placeholder: initial, defaultValue: initial })),
    select: async (message, choices) => answered(await select({ message, options: [...choices] })),
  }
}
