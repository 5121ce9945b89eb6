/** What somebody may do: a viewer reads, an operator answers alerts, an admin changes the process. */
export const ROLES = ['viewer', 'operator', 'admin'] as const
export type Role = (typeof ROLES)[number]

/** Who asks: a token's name, the command line, a person. The first argument of every operation. */
export interface Actor {
  readonly name: string
  readonly role: Role
}

/** The actor may not do that. */
export class Forbidden extends Error {
  override readonly name = 'Forbidden'
}

/** @throws Forbidden when the actor's role is below what is needed */
export function authorise(actor: Actor, needed: Role): void {
  if (ROLES.indexOf(actor.role) >= ROLES.indexOf(needed)) return
  throw new Forbidden(`${actor.name} has the role ${actor.role}; this needs ${needed}`)
}
