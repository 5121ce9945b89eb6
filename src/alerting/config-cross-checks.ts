import { z } from 'zod'

interface Fault {
  readonly path: PropertyKey[]
  readonly message: string
}

interface LooseRoute {
  readonly receiver?: string | undefined
  readonly continue?: unknown
  readonly routes?: readonly LooseRoute[] | null | undefined
}

const looseRoute: z.ZodType<LooseRoute> = z.object({
  receiver: z.string().optional().catch(undefined),
  continue: z.unknown(),
  routes: z
    .lazy(() => z.array(looseRoute.catch({})))
    .nullish()
    .catch(undefined),
})

const looseList = z.array(z.unknown()).nullish().catch(undefined)

/** As much of the document as these checks need, whatever else is wrong with it. */
const looseDocument = z.object({
  route: looseRoute
    .and(z.object({ matchers: looseList, match: looseList, match_re: looseList }))
    .optional()
    .catch(undefined),
  receivers: z
    .array(
      z
        .object({
          name: z.string().optional().catch(undefined),
          destinations: z.array(z.object({ name: z.string() })).catch([]),
        })
        .catch({ name: undefined, destinations: [] }),
    )
    .catch([]),
})

/** What is wrong between parts of the document that are each well formed. */
export function crossFaults(document: unknown): readonly Fault[] {
  const parsed = looseDocument.safeParse(document)
  if (!parsed.success) return []
  const { route, receivers } = parsed.data
  const names = new Set(receivers.flatMap(({ name }) => name ?? []))
  return [
    ...rootFaults(route),
    ...(route === undefined ? [] : unknownReceivers(route, ['route'], names)),
    ...repeatedNames(
      receivers.map(({ name }) => name),
      (index) => ['receivers', index, 'name'],
    ),
    ...repeatedDestinations(receivers),
  ]
}

function rootFaults(route: z.output<typeof looseDocument>['route']): readonly Fault[] {
  if (route === undefined) return []
  const faults: Fault[] = []
  if (route.receiver === undefined) {
    faults.push({
      path: ['route', 'receiver'],
      message: 'the first route needs a receiver: it takes what no other route takes',
    })
  }
  if (route.continue === true) {
    faults.push({ path: ['route', 'continue'], message: 'the first route has no sibling to go on to' })
  }
  for (const key of ['matchers', 'match', 'match_re'] as const) {
    const list = route[key]
    if (list !== null && list !== undefined && list.length > 0) {
      faults.push({ path: ['route', key], message: 'the first route takes every alert and can have no matchers' })
    }
  }
  return faults
}

function unknownReceivers(
  route: LooseRoute,
  path: readonly PropertyKey[],
  names: ReadonlySet<string>,
): readonly Fault[] {
  const isUnknown = route.receiver !== undefined && !names.has(route.receiver)
  const here = isUnknown
    ? [{ path: [...path, 'receiver'], message: `there is no receiver named ${JSON.stringify(route.receiver)}` }]
    : []
  const below = (route.routes ?? []).flatMap((child, index) =>
    unknownReceivers(child, [...path, 'routes', index], names),
  )
  return [...here, ...below]
}

function repeatedNames(
  names: readonly (string | undefined)[],
  pathOf: (index: number) => PropertyKey[],
): readonly Fault[] {
  return names.flatMap((name, index) =>
    name === undefined || names.indexOf(name) === index
      ? []
      : [{ path: pathOf(index), message: `the name ${JSON.stringify(name)} is taken already` }],
  )
}

/** Names that operators gave to entries: each destination has a queue, and a queue has one name. */
function repeatedDestinations(receivers: z.output<typeof looseDocument>['receivers']): readonly Fault[] {
  const isRepeated = (index: number) => receivers.findIndex(({ name }) => name === receivers[index]?.name) < index
  const places = receivers.flatMap(({ name: receiver, destinations }, index) =>
    // A receiver whose own name is taken has its fault already.
    receiver !== undefined && isRepeated(index)
      ? []
      : destinations.map(({ name }) => ({ name, path: ['receivers', index] })),
  )
  return repeatedNames(
    places.map(({ name }) => name),
    (index) => places[index]?.path ?? [],
  )
}
