import { describe, expect, test } from 'vitest'

import { someAlert, someNotification } from '../../test/support/notifications.ts'
import type { Alert } from '../core/alert.ts'
import type { Notification } from '../core/notification.ts'
import { clip, renderMessage } from './message.ts'

const NOON = Date.UTC(2026, 0, 1, 12)

function alertOf(labels: Record<string, string>, more: Partial<Alert> = {}): Alert {
  const named = { alertname: 'NodeDown', ...labels }
  return someAlert({ fingerprint: JSON.stringify(labels), labels: named, startsAt: NOON, ...more })
}

function notificationOf(alerts: readonly Alert[], more: Partial<Notification> = {}): Notification {
  return someNotification(alerts, { causedAt: NOON, ...more })
}

const render = (notification: Notification, alertsMax = 10) =>
  renderMessage(notification, { timeZone: 'UTC', alertsMax })
const OVER = { endsAt: NOON + 60_000, end: 'resolved' } as const

describe('the headline', () => {
  test.each([
    [
      'the severity and the summary',
      alertOf({ severity: 'critical' }, { annotations: { summary: 'It is down' } }),
      '[CRITICAL] It is down',
    ],
    ['a severity of the operator’s own', alertOf({ severity: 'page' }, { annotations: { summary: 'x' } }), '[PAGE] x'],
    ['a warning where there is none', alertOf({}, { annotations: { message: 'x' } }), '[WARNING] x'],
    ['the name where there is no text', alertOf({ severity: 'info' }), '[INFO] NodeDown'],
    ['one line', alertOf({}, { annotations: { summary: 'a\n b\t\tc ' } }), '[WARNING] a b c'],
    ['that it is over', alertOf({ severity: 'critical' }, OVER), '[RESOLVED] NodeDown'],
  ])('says %s', (_, alert, headline) => {
    expect(render(notificationOf([alert])).entries[0]?.headline).toBe(headline)
  })

  test('says both of what fired and ended before anybody heard of it', () => {
    const alert = alertOf({}, OVER)
    const message = render(notificationOf([alert], { untold: [alert.fingerprint] }))

    expect(message.entries[0]?.headline).toBe('[FIRED AND RESOLVED] NodeDown')
    expect(message.title).toBe('[FIRED AND RESOLVED:1] NodeDown')
  })
})

describe('the title', () => {
  test('counts what fires and what is over, and names the group', () => {
    const alerts = [alertOf({ job: 'a' }), alertOf({ job: 'b' }), alertOf({ job: 'c' }, OVER)]
    const groupLabels = { alertname: 'NodeDown', cluster: 'north', severity: 'critical' }

    expect(render(notificationOf(alerts, { groupLabels })).title).toBe('[FIRING:2, RESOLVED:1] NodeDown north')
  })

  test('says of a digest how many messages it stands for', () => {
    expect(render(notificationOf([alertOf({})], { digestOf: 57 })).title).toBe('[FIRING:1] 57 messages in one')
  })

  test('takes the mood of the most severe that fires', () => {
    expect(render(notificationOf([alertOf({ severity: 'info' }), alertOf({ severity: 'error' })])).mood).toBe('error')
    expect(render(notificationOf([alertOf({ severity: 'info' }), alertOf({ severity: 'error' }, OVER)])).mood).toBe(
      'info',
    )
    expect(render(notificationOf([alertOf({}, OVER)])).mood).toBe('resolved')
  })
})

describe('the rest', () => {
  test('owner, contact, runbook and reason are there; what is no web address is no link', () => {
    const annotations = {
      summary: 'It is down',
      description: 'Since an hour.',
      owner: 'bridge team',
      contact: '+41 44 000',
      runbook_url: 'https://runbooks.test/x',
      dashboard_url: 'javascript:alert(1)',
      resolved_reason: 'reverted by a reorg',
    }
    const [entry] = render(
      notificationOf([alertOf({}, { annotations, generatorUrl: 'http://127.0.0.1:9095/rules' })]),
    ).entries

    expect(entry?.details).toEqual([
      'Since an hour.',
      'ended: reverted by a reorg',
      'owner: bridge team',
      'contact: +41 44 000',
    ])
    expect(entry?.links).toEqual([
      { text: 'Runbook', url: 'https://runbooks.test/x' },
      { text: 'Source', url: 'http://127.0.0.1:9095/rules' },
    ])
  })

  test('an alert that cannot be seen says so, in its first line and with the reason', () => {
    const [silent] = render(notificationOf([alertOf({}, { isUnknown: true })])).entries
    const annotations = { chainwarden_unknown: 'The node does not answer.' }
    const [telling] = render(notificationOf([alertOf({}, { isUnknown: true, annotations })])).entries

    expect(silent?.headline).toBe('[WARNING] NodeDown (cannot be seen at the moment)')
    expect(silent?.details[0]).toContain('cannot be seen')
    expect(telling?.details).toEqual(['The node does not answer.'])
  })

  test('what is left out is counted by name', () => {
    const alerts = Array.from({ length: 8 }, (_, index) => alertOf({ job: String(index) }))

    expect(render(notificationOf(alerts, { truncated: 100 }), 5).more).toBe('and 103 more: 3 x NodeDown')
    expect(render(notificationOf(alerts)).more).toBe('')
  })

  test('times are in the time zone of the reader', () => {
    const zurich = renderMessage(notificationOf([alertOf({})]), { timeZone: 'Europe/Zurich', alertsMax: 1 })

    expect(zurich.entries[0]?.time).toBe('since 2026-01-01 13:00:00 Europe/Zurich')
    expect(render(notificationOf([alertOf({}, OVER)])).entries[0]?.time).toBe(
      '2026-01-01 12:00:00 UTC to 2026-01-01 12:01:00 UTC',
    )
  })

  test('a text is cut between characters', () => {
    expect(clip('a😀b', 10)).toBe('a😀b')
    expect(clip('aa😀b', 4)).toBe('aa…')
    expect(clip('abcdef', 4)).toBe('abc…')
  })
})
