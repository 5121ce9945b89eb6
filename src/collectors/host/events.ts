import { z } from 'zod'

import type { EventTable } from '../../core/event.ts'

/** The machine was started again. */
export const REBOOTED = 'host.rebooted'
/** The clock was set. */
export const CLOCK_SET = 'host.clock_set'

export const EVENTS: EventTable = {
  [REBOOTED]: {
    help: 'The machine was started again since the last look.',
    args: z.object({ boot_time: z.string() }),
  },
  [CLOCK_SET]: {
    help: 'The clock was set forward, or back (below 0), by two seconds or more.',
    args: z.object({ seconds: z.number() }),
  },
}
