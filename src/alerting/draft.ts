import type { GroupRecord, Writes } from '../core/records.ts'
import { type Group, type GroupDraft, type GroupIdentity, type Member, NO_NEWS, openTimers } from './group.ts'
import { createOverlay, type Overlay } from './overlay.ts'
import { endKey, endRecord, groupRecord } from './records.ts'
import type { Placement } from './route.ts'
import type { Voices } from './sources.ts'

/** One fingerprint that fires, and the groups it is in. */
export interface ActiveAlert {
  readonly voices: Voices
  readonly groups: readonly string[]
}

/** What the pipeline holds in memory; all of it can be rebuilt from rows. */
export interface PipelineState {
  readonly alerts: Map<string, ActiveAlert>
  readonly groups: Map<string, Group>
}

/** A plan in the making: the state with changes on top, and the rows that these changes are. */
export interface Draft {
  readonly alerts: Overlay<string, ActiveAlert>
  /** The group with this key as it is in this plan. */
  group(key: string): GroupDraft | undefined
  /** The group of a placement, opened now where there is none. */
  groupAt(placement: Placement, openedAt: number): GroupDraft
  /** Groups that this plan has looked at, in that order. */
  touched(): readonly GroupDraft[]
  /** What was told has changed: the group's row is written even if its timers stand. */
  noteTold(group: GroupDraft): void
  /** A member's end waits to be told, and must survive until then. */
  keepEnd(group: GroupDraft, fingerprint: string): void
  dropEnd(group: GroupDraft, fingerprint: string): void
  rows(): Writes<GroupRecord, string>
  adopt(): void
}

interface Touched {
  readonly draft: GroupDraft
  readonly base: Group | undefined
  readonly baseMembers: Group['members']
  isTold: boolean
}

export function createDraft(state: PipelineState): Draft {
  const alerts = createOverlay(state.alerts)
  const touched = new Map<string, Touched>()
  const ends = new Map<string, GroupRecord | undefined>()

  function touch(
    identity: GroupIdentity,
    base: Group | undefined,
    fresh: Pick<GroupDraft, 'route' | 'timers'>,
  ): GroupDraft {
    const baseMembers = base?.members ?? new Map<string, Member>()
    const draft: GroupDraft = { ...fresh, identity, members: createOverlay(baseMembers), news: NO_NEWS }
    touched.set(identity.key, { draft, base, baseMembers, isTold: false })
    return draft
  }

  function group(key: string): GroupDraft | undefined {
    const known = touched.get(key)
    if (known !== undefined) return known.draft
    const base = state.groups.get(key)
    return base === undefined ? undefined : touch(base.identity, base, base)
  }

  return {
    alerts,
    group,
    groupAt: ({ identity, route }, openedAt) =>
      group(identity.key) ?? touch(identity, undefined, { route, timers: openTimers(openedAt) }),
    touched: () => [...touched.values()].map(({ draft }) => draft),
    noteTold({ identity }) {
      const entry = touched.get(identity.key)
      if (entry !== undefined) entry.isTold = true
    },
    keepEnd({ identity, members }, fingerprint) {
      const member = members.get(fingerprint)
      if (member !== undefined) ends.set(endKey(identity.key, fingerprint), endRecord(identity.key, member))
    },
    dropEnd({ identity }, fingerprint) {
      ends.set(endKey(identity.key, fingerprint), undefined)
    },
    rows: () => rowsOf([...touched.values()], ends),
    adopt() {
      alerts.adopt()
      for (const { draft, baseMembers } of touched.values()) adoptGroup(state, draft, baseMembers)
    },
  }
}

function adoptGroup(state: PipelineState, draft: GroupDraft, members: Group['members']): void {
  const { identity, route, timers } = draft
  draft.members.adopt()
  if (members.size === 0) state.groups.delete(identity.key)
  else state.groups.set(identity.key, { identity, route, timers, members })
}

function rowsOf(
  touched: readonly Touched[],
  ends: ReadonlyMap<string, GroupRecord | undefined>,
): Writes<GroupRecord, string> {
  const put: GroupRecord[] = []
  const remove: string[] = []
  for (const { draft, base, isTold } of touched) {
    if (draft.members.isEmpty()) {
      remove.push(draft.identity.key)
    } else if (isTold || base?.timers !== draft.timers) {
      put.push(groupRecord(draft.identity, draft.timers, draft.members.values()))
    }
  }
  for (const [key, record] of ends) {
    if (record === undefined) remove.push(key)
    else put.push(record)
  }
  return { put, remove }
}
