import { typeOf } from '../../../promql/index.ts'
import type { Check, Remark, Subject } from '../finding.ts'
import { type LabelSets, labelSetsOf } from '../label-sets.ts'
import { binariesOf, type Kind, rewrite, textOf } from '../syntax.ts'

/** Two vectors whose elements never find each other, because a label that must be equal cannot be. */
export const neverEqual: Check = {
  name: 'never-equal',
  find: (subject) =>
    binariesOf(subject.rule.parsed).flatMap((binary): readonly Remark[] => {
      const { left, right, operator, matching } = binary
      const areVectors = typeOf(left) === 'vector' && typeOf(right) === 'vector'
      const fills = matching?.fillLeft !== undefined || matching?.fillRight !== undefined
      if (operator === 'or' || !areVectors || matching === undefined || fills) return []
      const sides = { left: labelSetsOf(left, subject.knowledge), right: labelSetsOf(right, subject.knowledge) }
      const reasons = reasonsOf(binary, sides)
      const [first] = reasons
      if (first === undefined) return []
      const effect = operator === 'unless' ? 'so unless takes nothing away' : 'so this gives nothing, for ever'
      return [
        {
          message: `${first.words}: no two of them are ever equal, ${effect}`,
          suggestion: {
            words: 'say on which labels they are to be equal',
            expr: better(subject, binary, sides, new Set(reasons.map(({ label }) => label))),
          },
        },
      ]
    }),
}

interface Sides {
  readonly left: LabelSets
  readonly right: LabelSets
}

interface Reason {
  readonly label: string
  readonly words: string
}

function reasonsOf({ matching }: Kind<'binary'>, { left, right }: Sides): readonly Reason[] {
  if (matching === undefined) return []
  const all = new Set([...left.certain, ...right.certain])
  const matters = (label: string) => matching.labels.includes(label) === matching.on
  return [...all].filter(matters).flatMap((label): readonly Reason[] => {
    const [here, there] = [left.fixed.get(label), right.fixed.get(label)]
    if (here !== undefined && there !== undefined) {
      return here === there ? [] : [{ label, words: `${label} is ${here} on the left and ${there} on the right` }]
    }
    if (isImpossible(right, label)) return [{ label, words: `only the left side has the label ${label}` }]
    if (isImpossible(left, label)) return [{ label, words: `only the right side has the label ${label}` }]
    return []
  })
}

function isImpossible({ possible }: LabelSets, label: string): boolean {
  return possible !== 'any' && !possible.has(label)
}

function better(
  { rule }: Subject,
  binary: Kind<'binary'>,
  { left, right }: Sides,
  culprits: ReadonlySet<string>,
): string | undefined {
  const common = [...left.certain].filter((label) => right.certain.has(label) && !culprits.has(label))
  const matching = `on (${common.toSorted().join(', ')})${groupOf(binary, { left, right })}`
  const [l, r] = [textOf(rule.expr, binary.left), textOf(rule.expr, binary.right)]
  const by = `${l} ${binary.operator}${binary.returnBool ? ' bool' : ''} ${matching} ${r}`
  return rewrite(rule.expr, [{ start: binary.start, end: binary.end, by }])
}

/** The side with more labels is the one of which several may find the same other. */
function groupOf({ matching }: Kind<'binary'>, { left, right }: Sides): string {
  if (matching?.cardinality === 'many-to-many') return ''
  const [l, r] = [sizeOf(left), sizeOf(right)]
  if (l === r) return ''
  return l > r ? ' group_left ()' : ' group_right ()'
}

function sizeOf({ possible }: LabelSets): number {
  return possible === 'any' ? Number.POSITIVE_INFINITY : possible.size
}
