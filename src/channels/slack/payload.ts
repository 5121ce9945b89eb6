import type { Notification } from '../../core/notification.ts'
import { clip, type Message, type MessageEntry, renderMessage } from '../message.ts'
import type { SlackConfig } from './config.ts'

/*
 * Slack takes at most 50 blocks with 3,000 characters each, and an undocumented 13,200 or so over all of them
 * (`msg_blocks_too_long`): 12,000 leaves room for what its escaping adds. What does not fit is counted in words.
 */
const TOTAL_MAX = 12_000
const SECTION_MAX = 3_000
const ENTRIES_MAX = 45
const LINK_MAX = 800
/** Kept free for the title, the text and the last line. */
const RESERVED = 3_000

const COLORS = {
  info: '#439fe0',
  warning: '#daa038',
  error: '#e8590c',
  critical: '#d00000',
  resolved: '#2eb67d',
} as const

interface Section {
  readonly type: 'section'
  readonly text: { readonly type: 'mrkdwn'; readonly text: string }
}

export interface SlackPayload {
  readonly channel?: string
  readonly username?: string
  readonly icon_emoji?: string
  readonly icon_url?: string
  /** What notifications on a phone show. */
  readonly text: string
  readonly attachments: readonly [{ readonly color: string; readonly blocks: readonly Section[] }]
}

export interface SlackOptions {
  readonly timeZone: string
  readonly externalUrl: string
}

/** One message as Slack takes it, within its limits. */
export function slackPayload(notification: Notification, config: SlackConfig, options: SlackOptions): SlackPayload {
  const message = renderMessage(notification, { timeZone: options.timeZone, alertsMax: ENTRIES_MAX })
  const fitting = takeFitting(message.entries.map(entryText))
  const left = message.entries.length - fitting.length
  // What does not fit is left out by rendering again with fewer, so that it is counted like everything else.
  const shown =
    left === 0 ? message : renderMessage(notification, { timeZone: options.timeZone, alertsMax: fitting.length })
  const { channel, username, icon_emoji, icon_url } = config
  return {
    ...(channel === undefined ? {} : { channel }),
    ...(username === undefined ? {} : { username }),
    ...(icon_emoji === undefined ? {} : { icon_emoji }),
    ...(icon_url === undefined ? {} : { icon_url }),
    text: escape(fallbackOf(shown, config)),
    attachments: [{ color: config.color ?? COLORS[shown.mood], blocks: blocksOf(shown, fitting, config, options) }],
  }
}

function blocksOf(
  message: Message,
  entries: readonly string[],
  config: SlackConfig,
  { externalUrl }: SlackOptions,
): readonly Section[] {
  const title = escape(clip(config.title ?? message.title, 500))
  const link = config.title_link ?? externalUrl
  const texts = [
    link === '' ? `*${title}*` : `*<${link}|${title.replaceAll('|', '¦')}>*`,
    ...(config.text === undefined ? [] : [clip(escape(config.text), 1_000)]),
    ...entries,
    ...(message.more === '' ? [] : [clip(escape(message.more), 1_000)]),
  ]
  return texts.map((text) => ({ type: 'section', text: { type: 'mrkdwn', text } }))
}

/** The headline always fits; links go before details, because they are what helps when there is no room. */
function entryText({ headline, time, details, links }: MessageEntry): string {
  const linked = links.map(({ text, url }) => `<${escape(url).replaceAll('|', '%7C')}|${text}>`)
  const short = linked.filter((link) => link.length <= LINK_MAX).join('  ')
  const lines = [`*${escape(headline)}*`, `_${escape(time)}_`, ...(short === '' ? [] : [short]), ...details.map(escape)]
  return clipLines(lines, SECTION_MAX)
}

/** Whole lines while they fit; a line is never cut, as that could cut an escape. */
function clipLines(lines: readonly string[], max: number): string {
  let text = ''
  for (const line of lines) {
    if (text.length + line.length + 1 > max) break
    text += text === '' ? line : `\n${line}`
  }
  return text
}

function takeFitting(texts: readonly string[]): readonly string[] {
  let total = 0
  const count = texts.findIndex((text) => {
    total += text.length
    return total > TOTAL_MAX - RESERVED
  })
  return count === -1 ? texts : texts.slice(0, count)
}

/** For one alert its own line, `[CRITICAL] The node is down`; for more, the title. */
function fallbackOf(message: Message, config: SlackConfig): string {
  const [only, second] = message.entries
  if (config.title !== undefined) return config.title
  return only !== undefined && second === undefined && message.more === '' ? only.headline : message.title
}

/** The three characters that mean something to Slack (its documentation, "Formatting text"). */
function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
