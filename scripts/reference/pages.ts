import { format } from 'oxfmt'

import { alertsPage } from './alerts.ts'
import { commandsPage } from './commands.ts'
import { configurationPage } from './configuration.ts'
import { eventsPage } from './events.ts'
import { metricsPage } from './metrics.ts'

/** One page of the reference, by its path from the repository's root. */
export interface Page {
  readonly path: string
  readonly text: string
}

const HEADER = '<!-- Written by `node scripts/reference.ts` from the definitions. Change those, not this page. -->'

/** Every page of the reference as it should be now. The same definitions give the same bytes. */
export async function referencePages(): Promise<readonly Page[]> {
  const pages = [
    { name: 'configuration.md', text: configurationPage() },
    { name: 'metrics.md', text: metricsPage() },
    { name: 'alerts.md', text: alertsPage() },
    { name: 'events.md', text: eventsPage() },
    { name: 'commands.md', text: await commandsPage() },
  ]
  return Promise.all(
    pages.map(async ({ name, text }) => {
      const { code, errors } = await format(name, `${HEADER}\n\n${text}\n`, { printWidth: 120 })
      if (errors.length > 0) throw new Error(`${name} cannot be formatted: ${JSON.stringify(errors)}`)
      return { path: `docs/reference/${name}`, text: code }
    }),
  )
}
