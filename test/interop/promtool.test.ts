import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { exposition } from '../../src/api/prometheus/exposition.ts'
import { type Chainwarden, createFolder, type Folder, startChainwarden } from '../support/chainwarden.ts'
import { eventually } from '../support/eventually.ts'
import { freePort } from '../support/free-port.ts'
import { hasPrometheus, promtool } from './peers.ts'

const OPENMETRICS = 'application/openmetrics-text; version=1.0.0'

describe.skipIf(!hasPrometheus())('promtool against a running Chainwarden', () => {
  let folder: Folder
  let chainwarden: Chainwarden

  beforeAll(async () => {
    folder = createFolder()
    const port = await freePort()
    const config = `server: { listen: 127.0.0.1:${port} }\ntargets: [{ type: host, name: this-host, interval: 1s }]\n`
    chainwarden = await startChainwarden({ folder: folder.path, port, config })
    await eventually('there are samples of the host and of the process', async () => {
      const up = await chainwarden.value('up{job="host"}')
      return up === 1 && (await chainwarden.value('process_resident_memory_bytes')) !== undefined
    })
  }, 60_000)

  afterAll(async () => {
    await chainwarden[Symbol.asyncDispose]()
    folder.remove()
  })

  test('query instant prints the vector', async () => {
    const said = await promtool(['query', 'instant', chainwarden.url, 'up{job="host"}'])

    expect(said).toMatchObject({ code: 0, stderr: '' })
    expect(said.stdout).toMatch(/^up\{instance="this-host", job="host", target="this-host"\} => 1 @\[[\d.]+\]\n$/)
  })

  test('query instant as JSON has a scalar too', async () => {
    const said = await promtool(['query', 'instant', '--format=json', chainwarden.url, '1.5 + 2'])

    expect(said).toMatchObject({ code: 0, stderr: '' })
    expect(JSON.parse(said.stdout)).toEqual([expect.any(Number), '3.5'])
  })

  test('query instant says where an expression is wrong, and fails', async () => {
    const said = await promtool(['query', 'instant', chainwarden.url, 'up =='])

    expect(said.code).not.toBe(0)
    expect(said.stderr).toContain('bad_data: invalid parameter "query": 1:6: parse error: ')
  })

  test('query range prints the matrix', async () => {
    const said = await promtool(['query', 'range', '--step=1s', chainwarden.url, 'sum(up{job="host"}) by (job)'])

    expect(said).toMatchObject({ code: 0, stderr: '' })
    expect(said.stdout).toMatch(/^\{job="host"\} =>\n(?:1 @\[[\d.]+\]\n)+$/)
  })

  test('query series prints the label sets', async () => {
    const said = await promtool([
      'query',
      'series',
      '--match=up{job="host"}',
      '--match=host_boot_time_seconds',
      chainwarden.url,
    ])

    expect(said).toMatchObject({ code: 0, stderr: '' })
    expect(said.stdout).toContain('{__name__="up", instance="this-host", job="host", target="this-host"}')
  })

  test('query labels prints the values of one label', async () => {
    const said = await promtool(['query', 'labels', chainwarden.url, 'job'])

    expect(said).toMatchObject({ code: 0, stderr: '' })
    expect(said.stdout).toBe('chainwarden\nhost\n')
  })

  test('check metrics finds nothing to say of /metrics', async () => {
    expect(await promtool(['check', 'metrics'], await chainwarden.metrics())).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    })
  })

  test('the OpenMetrics text is read as history without a fault', async () => {
    const withTimes = (await chainwarden.metrics(OPENMETRICS)).replaceAll(/^([^#\n].*)$/gm, '$1 1767225600')
    const file = folder.write('metrics.om', withTimes)

    const said = await promtool(['tsdb', 'create-blocks-from', 'openmetrics', file, `${folder.path}/blocks`])

    expect(said.code).toBe(0)
    expect(withTimes).toMatch(/# EOF\n$/)
  })
})

describe.skipIf(!hasPrometheus())('promtool and a histogram', () => {
  const table = { wait_seconds: { type: 'histogram', help: 'How long.' } } as const
  const sampled = ['a', 'b'].flatMap((part) =>
    ['_count', '_bucket +Inf', '_bucket 10', '_sum', '_bucket 2.5', '_bucket 0.5'].map((kind, index) => {
      const [suffix = '', le] = kind.split(' ')
      return {
        labels: { __name__: `wait_seconds${suffix}`, ...(le === undefined ? {} : { le }), part },
        value: [7, 7, 6, 31.5, 4, 1][index] ?? 0,
        time: 0,
      }
    }),
  )

  test('that was written in any order is one that promtool has nothing to say of', async () => {
    const text = [...exposition(sampled, table, { isOpenMetrics: false })].join('')

    expect(await promtool(['check', 'metrics'], text)).toEqual({ code: 0, stdout: '', stderr: '' })
  })
})
