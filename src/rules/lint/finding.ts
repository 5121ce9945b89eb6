import type { Rule, RuleGroup } from '../rule-file.ts'
import type { RuleKnowledge } from './knowledge.ts'

/** What would be better. Some mend the expression, some the rule around it, some only words can say. */
export interface Suggestion {
  readonly words: string
  /** The whole expression, in canonical notation: it parses. */
  readonly expr?: string | undefined
  /** The rule's new `for`. */
  readonly for?: string | undefined
}

/** What a check says of one rule. */
export interface Remark {
  readonly message: string
  readonly suggestion: Suggestion
}

/** Something that is probably wrong with a rule, which is valid all the same. */
export interface Finding extends Remark {
  readonly file: string
  readonly line: number | undefined
  readonly group: string
  readonly rule: string
  readonly check: string
}

/** One rule with everything it may be judged by. */
export interface Subject {
  readonly rule: Rule
  readonly group: RuleGroup
  readonly groups: readonly RuleGroup[]
  /** The rules of its name and kind in its file, itself among them, in their order. */
  readonly namesakes: readonly Rule[]
  /** The metrics that rules of these groups record. */
  readonly recorded: ReadonlySet<string>
  readonly knowledge: RuleKnowledge
}

export interface Check {
  readonly name: string
  readonly find: (subject: Subject) => readonly Remark[]
}
