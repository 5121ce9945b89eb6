import { childrenOf, type Expr, formatExpr } from '../../promql/index.ts'

type Selector = Extract<Expr, { kind: 'selector' }>
type Length = Extract<Expr, { kind: 'matrix' }>['range']

/** Series that an expression reads, and how far from the time of its evaluation. */
export interface Need {
  /** Without `offset` and `@`. */
  readonly selector: string
  readonly backMs: number
  readonly aheadMs: number
  /** Read at an instant: then it matters where series end, and not only where samples are. */
  readonly isInstant: boolean
}

export const LOOKBACK_MS = 300_000

interface Reach {
  readonly backMs: number
  readonly aheadMs: number
}

/**
 * What an expression reads.
 *
 * @throws Error where it reads at a fixed time, which lies nowhere in what is replayed
 */
export function needsOf(expr: Expr, stepMs: number): readonly Need[] {
  return collect(expr, { backMs: 0, aheadMs: 0 }, stepMs)
}

function collect(expr: Expr, reach: Reach, stepMs: number): readonly Need[] {
  switch (expr.kind) {
    case 'selector':
      return [needOf(expr, grow(reach, LOOKBACK_MS), { stepMs, isInstant: true })]
    case 'matrix':
      return [needOf(expr.selector, grow(reach, lengthMs(expr.range, stepMs)), { stepMs, isInstant: false })]
    case 'subquery': {
      refuseFixed(expr)
      const every = expr.step === undefined ? stepMs : lengthMs(expr.step, stepMs)
      const inner = grow(shift(reach, expr.offset, stepMs), lengthMs(expr.range, stepMs) + every)
      return collect(expr.expr, inner, stepMs)
    }
    case 'call':
      // What `info` looks up is not in its text.
      return expr.name === 'info'
        ? [...expr.args.slice(0, 1).flatMap((arg) => collect(arg, reach, stepMs)), infoNeed(reach)]
        : expr.args.flatMap((arg) => collect(arg, reach, stepMs))
    case 'number':
    case 'string':
    case 'aggregation':
    case 'binary':
    case 'unary':
    case 'paren':
      return childrenOf(expr).flatMap((child) => collect(child, reach, stepMs))
  }
}

interface How {
  readonly stepMs: number
  readonly isInstant: boolean
}

function needOf(selector: Selector, reach: Reach, { stepMs, isInstant }: How): Need {
  refuseFixed(selector)
  const { backMs, aheadMs } = shift(reach, selector.offset, stepMs)
  // `anchored` and `smoothed` look at the samples on both sides of the window.
  const edges = selector.mode === undefined ? 0 : LOOKBACK_MS
  const plain = formatExpr({ ...selector, offset: undefined, at: undefined, mode: undefined })
  return { selector: plain, backMs: backMs + edges, aheadMs: aheadMs + edges, isInstant }
}

function infoNeed(reach: Reach): Need {
  return { selector: 'target_info', ...grow(reach, LOOKBACK_MS), isInstant: true }
}

/** `@ start()` and `@ end()` are the time of the evaluation itself. */
function refuseFixed({ at }: Pick<Selector, 'at'>): void {
  if (at?.kind === 'time') throw new Error('it reads at a fixed time (@), which cannot be replayed')
}

function grow({ backMs, aheadMs }: Reach, byMs: number): Reach {
  return { backMs: backMs + byMs, aheadMs }
}

/** An offset into the past reaches further back; one into the future, further ahead. */
function shift(reach: Reach, offset: Length | undefined, stepMs: number): Reach {
  const byMs = offset === undefined ? 0 : lengthMs(offset, stepMs)
  return { backMs: reach.backMs + Math.max(0, byMs), aheadMs: reach.aheadMs + Math.max(0, -byMs) }
}

const ARITHMETIC: Readonly<Record<string, (a: number, b: number) => number>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '%': (a, b) => a % b,
  '^': (a, b) => a ** b,
}

function lengthMs(length: Length, stepMs: number): number {
  return lengthSeconds(length, stepMs / 1000) * 1000
}

function lengthSeconds(length: Length, stepSeconds: number): number {
  switch (length.kind) {
    case 'seconds':
      return length.seconds
    case 'step':
      return stepSeconds
    case 'range':
      return 0
    case 'signed':
      return lengthSeconds(length.operand, stepSeconds) * (length.sign === '-' ? -1 : 1)
    case 'group':
      return lengthSeconds(length.operand, stepSeconds)
    case 'arithmetic': {
      const [left, right] = [lengthSeconds(length.left, stepSeconds), lengthSeconds(length.right, stepSeconds)]
      return ARITHMETIC[length.operator]?.(left, right) ?? 0
    }
    case 'choice': {
      const both = [lengthSeconds(length.left, stepSeconds), lengthSeconds(length.right, stepSeconds)]
      return length.pick === 'min_of' ? Math.min(...both) : Math.max(...both)
    }
  }
}
