import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { env, stderr } from 'node:process'
import { promisify } from 'node:util'

import { METRIC_NAME } from '../../src/core/labels.ts'
import { type Folder } from '../support/chainwarden.ts'
import { eventually } from '../support/eventually.ts'
import { freePort } from '../support/free-port.ts'
import type { ServedSeries } from '../support/served-samples.ts'

const OPENMETRICS = 'samples.om'
const PROMTOOL = 'promtool'
const PROMETHEUS = 'prometheus'

/** Debian's `prometheus` package: where it is not installed its tests are skipped aloud, but never in CI. */
export function hasPrometheus(): boolean {
  const missing = [PROMTOOL, PROMETHEUS].filter((tool) => spawnSync(tool, ['--version']).status !== 0)
  if (missing.length === 0) return true
  const sentence = `not on PATH: ${missing.join(', ')}`
  if (env['CI'] === 'true') throw new Error(sentence)
  stderr.write(`${sentence}: whether we answer as Prometheus does is tested NOWHERE\n`)
  return false
}

/** What promtool said, and whether it was content. */
export interface Said {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export async function promtool(args: readonly string[], input = ''): Promise<Said> {
  const child = spawn(PROMTOOL, [...args], { stdio: ['pipe', 'pipe', 'pipe'] })
  const said = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said.stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said.stderr += text))
  child.stdin.end(input)
  await once(child, 'close')
  return { code: child.exitCode ?? -1, ...said }
}

/** A real Prometheus on loopback that has stored the same series. */
export interface Peer extends AsyncDisposable {
  readonly url: string
}

/** Writes the series into a folder as blocks and starts Prometheus on it. It scrapes nothing. */
export async function startPrometheus(folder: Folder, series: readonly ServedSeries[]): Promise<Peer> {
  const samples = folder.write(OPENMETRICS, openMetricsOf(series))
  const data = `${folder.path}/peer`
  await promisify(execFile)(PROMTOOL, ['tsdb', 'create-blocks-from', 'openmetrics', samples, data])
  const port = await freePort()
  // Nobody answers there: a target that is down has every field that one has.
  const config = folder.write(
    'prometheus.yml',
    'scrape_configs: [{ job_name: dead, static_configs: [{ targets: ["127.0.0.1:9"] }] }]\n',
  )
  const child = spawn(
    PROMETHEUS,
    [
      `--config.file=${config}`,
      `--storage.tsdb.path=${data}`,
      '--storage.tsdb.retention.time=100y',
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { stdio: 'ignore' },
  )
  const url = `http://127.0.0.1:${port}`
  await eventually('Prometheus is ready', async () => {
    if (child.exitCode !== null) throw new Error(`Prometheus ended with ${child.exitCode}`)
    return (await fetch(`${url}/-/ready`)).status === 200
  })
  return { url, [Symbol.asyncDispose]: async () => end(child) }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  const closed = once(child, 'close')
  child.kill('SIGKILL')
  await closed
}

/** The series with their times, in a format that promtool reads history from. */
function openMetricsOf(series: readonly ServedSeries[]): string {
  const families = Map.groupBy(series, ({ labels }) => labels[METRIC_NAME] ?? '')
  const texts = [...families].map(([name, members]) =>
    [`# TYPE ${name} unknown`].concat(members.flatMap((member) => linesOf(name, member))).join('\n'),
  )
  return [...texts, '# EOF', ''].join('\n')
}

function linesOf(name: string, { labels, startMs, stepMs, values }: ServedSeries): readonly string[] {
  const pairs = Object.entries(labels).filter(([label]) => label !== METRIC_NAME)
  const head = `${name}{${pairs.map(([label, value]) => `${label}=${JSON.stringify(value)}`).join(',')}}`
  return values.flatMap((value, index) =>
    value === null ? [] : [`${head} ${textOf(value)} ${(startMs + index * stepMs) / 1000}`],
  )
}

function textOf(value: number): string {
  if (value === Infinity) return '+Inf'
  return value === -Infinity ? '-Inf' : String(value)
}
