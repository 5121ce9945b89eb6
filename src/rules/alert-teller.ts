import type { Alert, AlertChange, AlertEnd } from '../core/alert.ts'
import type { ActiveAlert } from './alert-book.ts'
import { CLOSED_REASON, type ContextOf, withContext } from './context.ts'
import { expressionLink } from './template-functions.ts'

/** On an alert that cannot be seen: a sentence that says so, and why. */
const UNKNOWN_ANNOTATION = 'chainwarden_unknown'

/** Puts alerts of rules into the words of the pipeline. */
export interface AlertTeller {
  /**
   * @param expr of its rule; '' of a rule that is gone
   * @param unseenBecause why it cannot be seen, where that is told
   */
  tell(expr: string, alert: ActiveAlert, unseenBecause?: string): Alert
  end(
    expr: string,
    alert: ActiveAlert,
    how: { readonly at: number; readonly end: AlertEnd; readonly reason?: string },
  ): AlertChange
}

/** @param externalUrl where people reach the process; '' where they cannot */
export function createAlertTeller(externalUrl: string, contextOf: ContextOf): AlertTeller {
  const base = externalUrl.replace(/\/$/, '')

  function tell(expr: string, alert: ActiveAlert, unseenBecause?: string): Alert {
    const annotations = withContext(alert.annotations, alert.labels, contextOf)
    const notice = { [UNKNOWN_ANNOTATION]: `This alert cannot be seen at the moment: ${unseenBecause}.` }
    return {
      episode: alert.episode,
      fingerprint: alert.fingerprint,
      source: alert.source,
      labels: alert.labels,
      annotations: unseenBecause === undefined ? annotations : { ...annotations, ...notice },
      startsAt: alert.state.firedAt ?? alert.state.activeAt,
      endsAt: undefined,
      end: undefined,
      isUnknown: unseenBecause !== undefined,
      generatorUrl: base === '' || expr === '' ? '' : `${base}${expressionLink(expr, 1)}`,
    }
  }

  return {
    tell,
    end(expr, alert, { at, end, reason }) {
      const told = tell(expr, alert)
      const annotations = reason === undefined ? told.annotations : { ...told.annotations, [CLOSED_REASON]: reason }
      return { kind: 'ended', alert: { ...told, annotations, endsAt: at, end } }
    },
  }
}

export function isToldUnknown(alert: ActiveAlert): boolean {
  return alert.state.unknown?.isTold === true
}
