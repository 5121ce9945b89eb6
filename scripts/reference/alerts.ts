import { fence, words } from './markdown.ts'
import { type BuiltInAlert, builtInAlerts } from './rule-files.ts'

const INTRODUCTION = `# Alerts

The alerts that come along with what is watched. What each means and what to do stands in
[troubleshooting.md](../troubleshooting.md).

- Limits are series: \`chainwarden_threshold{target,name}\`, from the \`thresholds\` of each target.
- \`rules.overrides\` changes one by its name: \`for\`, \`severity\`, \`missing: resolve\`, or \`false\` to switch it off.
- \`rules.defaults: false\` switches all of them off.
- Text in \`{{ }}\` is a template. It is filled in when the alert fires.`

/** `alerts.md`, from every `rules.yaml` and `event-rules.yaml`. */
export function alertsPage(): string {
  const sources = builtInAlerts().map(({ name, alerts }) => [`## ${name}`, ...alerts.map(describe)].join('\n\n'))
  return [INTRODUCTION, ...sources].join('\n\n')
}

function describe(alert: BuiltInAlert): string {
  const { summary = '', description = '' } = alert.annotations
  const severity = alert.labels['severity'] ?? 'no severity'
  return [
    `### ${alert.alert}`,
    `**${severity}**, ${words(when(alert))}`,
    fence('text', `${summary}\n${description}`.trim()),
    'expr' in alert ? fence('promql', alert.expr) : fence('cel', alert.where ?? 'true'),
  ].join('\n\n')
}

function when(alert: BuiltInAlert): string {
  if ('expr' in alert) return alert.for === undefined ? 'at once.' : `after ${alert.for}.`
  const end = alert.resolve_after ?? '15m'
  return `at once, for each event \`${alert.on}\` that matches. Closed after ${end}.`
}
