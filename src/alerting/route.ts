import type { Alert } from '../core/alert.ts'
import { groupLabelsOf, labelsText, matchRoutes, type Route } from '../core/route.ts'
import type { GroupIdentity } from './group.ts'

/** A route an alert takes, and the group it belongs to there. */
export interface Placement {
  readonly route: Route
  readonly identity: GroupIdentity
}

/** The first stage: where an alert goes. Never empty, as the root takes everything. */
export function placementsOf(root: Route, alert: Alert): readonly Placement[] {
  return matchRoutes(root, alert.labels).map((route) => {
    const labels = groupLabelsOf(route, alert.labels)
    const text = labelsText(labels)
    return {
      route,
      identity: {
        key: `group:${route.id}:${text}`,
        groupKey: `${route.key}:${text}`,
        receiver: route.receiver,
        labels,
        routeId: route.id,
      },
    }
  })
}

/** Every route of a tree by its id. */
export function routesById(root: Route): ReadonlyMap<string, Route> {
  const found = new Map<string, Route>()
  const walk = (route: Route) => {
    found.set(route.id, route)
    route.routes.forEach(walk)
  }
  walk(root)
  return found
}
