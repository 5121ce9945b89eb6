import type { FastifyInstance, FastifyRequest } from 'fastify'

import type { Logger } from '../lib/log.ts'
import type { SliceClock } from '../lib/slices.ts'
import type { Actor, Operations } from '../operations/index.ts'
import type { Access } from './access.ts'

/** What the API needs of the process. */
export interface ApiOptions {
  readonly operations: Operations
  readonly log: Logger
  readonly isReady: () => boolean
  readonly now: () => number
  readonly clock: SliceClock
  readonly access: Access
}

/** What every resource is registered with. */
export interface Routes {
  readonly app: FastifyInstance
  readonly options: ApiOptions
  /** The actor behind a request; throws what becomes 401. */
  readonly actor: (request: FastifyRequest) => Actor
}
