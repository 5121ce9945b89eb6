import { RE2JS } from 're2js'

import { METRIC_NAME, type Labels } from '../../core/labels.ts'
import { messageOf } from '../../lib/errors.ts'
import { PromqlError } from '../errors.ts'
import { applyRegrouping, regroup, type Regrouping } from '../evaluate/names.ts'
import { createSlot, mapLabels, remember, type Scope, type Steps, type Vector } from '../evaluate/run.ts'
import type { Call } from '../syntax/ast.ts'
import { quote } from '../syntax/text.ts'
import { stringArgument, vectorArgument } from './histograms.ts'

const RELABELLED = createSlot<Regrouping>()

/** `label_replace(v, destination, replacement, source, pattern)`: the pattern must match the whole source. */
export function* labelReplace(scope: Scope, call: Call): Steps<Vector> {
  const [vectorArg, ...rest] = call.args
  const vector = yield* vectorArgument(scope, vectorArg)
  const destination = yield* stringArgument(scope, rest[0])
  const replacement = yield* stringArgument(scope, rest[1])
  const source = yield* stringArgument(scope, rest[2])
  const pattern = yield* stringArgument(scope, rest[3])
  const at = { position: call.start }
  if (!isLabelName(destination)) {
    throw new PromqlError(`invalid destination label name in label_replace(): ${quote(destination)}`, at)
  }
  const expression = compile(pattern, call)
  const { run } = scope
  const relabelled = yield* remember(RELABELLED, { run, expr: call, key: vector.labels }, function* replace() {
    const parts = templateParts(replacement, expression)
    const sets = yield* mapLabels(run, vector.labels, (labels) => {
      const matcher = expression.matcher(labels[source] ?? '')
      if (!matcher.matches()) return labels
      const value = parts.map((part) => (typeof part === 'string' ? part : (matcher.group(part) ?? ''))).join('')
      return withLabel(labels, destination, value)
    })
    return yield* regroup(run, sets)
  })
  return relabel(scope, { vector, relabelled, destination })
}

function compile(pattern: string, call: Call): RE2JS {
  try {
    return RE2JS.compile(pattern, RE2JS.DOTALL)
  } catch (error) {
    throw new PromqlError(`invalid regular expression in label_replace(): ${messageOf(error)}`, {
      position: call.args[4]?.start ?? call.start,
    })
  }
}

/** Text and group numbers of Go's expansion: `$1`, `$name`, `${name}`, `$$`; a group that is not there is empty. */
function templateParts(template: string, expression: RE2JS): readonly (string | number)[] {
  const parts: (string | number)[] = []
  const names = expression.namedGroups()
  let end = 0
  for (const match of template.matchAll(/\$(?:\$|(\w+)|\{(\w+)\})/g)) {
    parts.push(template.slice(end, match.index))
    end = match.index + match[0].length
    const name = match[1] ?? match[2]
    if (name === undefined) {
      parts.push('$')
      continue
    }
    const group = /^\d+$/.test(name) ? Number(name) : names[name]
    if (group !== undefined && group <= expression.groupCount()) parts.push(group)
  }
  return [...parts, template.slice(end)]
}

/** `label_join(v, destination, separator, source...)`. */
export function* labelJoin(scope: Scope, call: Call): Steps<Vector> {
  const [vectorArg, destinationArg, separatorArg, ...sourceArgs] = call.args
  const vector = yield* vectorArgument(scope, vectorArg)
  const destination = yield* stringArgument(scope, destinationArg)
  const separator = yield* stringArgument(scope, separatorArg)
  const sources: string[] = []
  for (const arg of sourceArgs) sources.push(yield* stringArgument(scope, arg))
  const bad = [destination, ...sources].find((name) => !isLabelName(name))
  if (bad !== undefined) {
    const role = bad === destination ? 'destination' : 'source'
    throw new PromqlError(`invalid ${role} label name in label_join(): ${quote(bad)}`, { position: call.start })
  }
  const { run } = scope
  const relabelled = yield* remember(RELABELLED, { run, expr: call, key: vector.labels }, function* join() {
    const sets = yield* mapLabels(run, vector.labels, (labels) =>
      withLabel(labels, destination, sources.map((name) => labels[name] ?? '').join(separator)),
    )
    return yield* regroup(run, sets)
  })
  return relabel(scope, { vector, relabelled, destination })
}

function isLabelName(name: string): boolean {
  return name !== '' && name.isWellFormed()
}

function withLabel(labels: Labels, name: string, value: string): Labels {
  const { [name]: _, ...rest } = labels
  return value === '' ? rest : { ...rest, [name]: value }
}

interface Relabelling {
  readonly vector: Vector
  readonly relabelled: Regrouping
  readonly destination: string
}

/** A name that was set on purpose stays. */
function relabel(scope: Scope, { vector, relabelled, destination }: Relabelling): Vector {
  const kept = destination === METRIC_NAME ? { ...vector, dropName: undefined } : vector
  return applyRegrouping({ ...kept, distinct: false }, relabelled, scope.grid.count)
}
