import { labelsKey, METRIC_NAME } from '../../../core/labels.ts'
import { selectorsOf } from '../../../promql/index.ts'
import type { Rule } from '../../rule-file.ts'
import type { Check, Remark, Subject } from '../finding.ts'
import { labelSetsOf } from '../label-sets.ts'
import { canonical, fixedValue, selectorsIn } from '../syntax.ts'

/** Two elements, or two rules, that come to the same labels: the rule fails, or one hides the other. */
export const collidingLabels: Check = {
  name: 'colliding-labels',
  find: (subject) => [...overwritten(subject), ...sameTwice(subject), ...severalNames(subject)],
}

/** A label of the rule takes the place of one that tells its elements apart. */
function overwritten({ rule, knowledge }: Subject): readonly Remark[] {
  const { certain, fixed } = labelSetsOf(rule.parsed, knowledge)
  return Object.entries(rule.labels).flatMap(([label, value]) => {
    const keepsElements = value.includes(`$labels.${label}`) || value.includes(`.Labels.${label}`)
    if (!certain.has(label) || fixed.has(label) || keepsElements) return []
    return [
      {
        message: `the label ${label} of the rule takes the place of the elements' own: as soon as two differ in it alone, the whole rule fails`,
        suggestion: {
          words: `call the label of the rule something else, or make one element of those that differ in ${label}`,
          expr: canonical(`max without (${label}) (${rule.expr})`),
        },
      },
    ]
  })
}

/** Another rule of that name and those labels that can be about the same series. */
function sameTwice({ rule, namesakes }: Subject): readonly Remark[] {
  const key = labelsKey(rule.labels)
  // Only the later of the two is named.
  const before = namesakes.slice(0, namesakes.indexOf(rule))
  const earlier = before.find((other) => labelsKey(other.labels) === key && canOverlap(rule, other))
  if (earlier === undefined) return []
  const where = earlier.line === undefined ? '' : ` in line ${earlier.line}`
  const what = rule.kind === 'alert' ? 'alerts of both are one to everybody who is told' : 'both write the same series'
  return [
    {
      message: `the rule ${rule.name}${where} has the same name and the same labels: ${what}`,
      suggestion: {
        words: 'tell them apart by a label, as severity, or make one rule of them',
        expr: canonical(`(${earlier.expr}) or (${rule.expr})`),
      },
    },
  ]
}

/** Both read the same metrics, and no label has to have one value here and another there. */
function canOverlap(a: Rule, b: Rule): boolean {
  const [left, right] = [selectorsOf(a.parsed), selectorsOf(b.parsed)]
  const names = (selectors: typeof left) => [...new Set(selectors.map(({ name }) => name))].toSorted().join(' ')
  if (left.length === 0 || names(left) !== names(right)) return false
  return left.every(({ matchers }) =>
    right.every((other) =>
      matchers.every(({ name }) => {
        const [here, there] = [fixedValue(matchers, name), fixedValue(other.matchers, name)]
        return name === METRIC_NAME || here === undefined || there === undefined || here === there
      }),
    ),
  )
}

/** Series that differ in their name alone, where the name is dropped. */
function severalNames({ rule }: Subject): readonly Remark[] {
  return selectorsIn(rule.parsed).flatMap(({ node, path }) => {
    const name = node.matchers.find((matcher) => matcher.name === METRIC_NAME)
    const isMerged = path.some(
      (around) => around.kind === 'aggregation' || (around.kind === 'call' && around.name.startsWith('absent')),
    )
    if (node.name !== '' || name === undefined || name.operator === '=' || isMerged) return []
    return [
      {
        message: `the selector takes several metrics (${METRIC_NAME}${name.operator}${JSON.stringify(name.value)}) and their names are dropped: series with the same labels otherwise make the whole rule fail`,
        suggestion: {
          words: 'make one element of them, or keep the name in another label with label_replace',
          expr: keepName(rule, path.length === 0 || rule.parsed.kind === 'binary', node),
        },
      },
    ]
  })
}

function keepName(
  rule: Rule,
  isPlain: boolean,
  node: { readonly start: number; readonly end: number },
): string | undefined {
  if (!isPlain) return undefined
  const selector = rule.expr.slice(node.start, node.end)
  const kept = `label_replace(${selector}, "metric", "$1", "${METRIC_NAME}", "(.+)")`
  return canonical(rule.expr.slice(0, node.start) + kept + rule.expr.slice(node.end))
}
