import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { PassThrough, Writable } from 'node:stream'

import { expect, test } from 'vitest'

import { createStreamSink } from './log-sinks.ts'

test('lines end with a line break', async () => {
  const stream = new PassThrough()
  const sink = createStreamSink(stream)

  sink.write('a')
  sink.write('b')

  expect(String(stream.read())).toBe('a\nb\n')
})

test('a reader that went away is no reason to die', async () => {
  const script = `
    import { createStreamSink } from ${JSON.stringify(new URL('log-sinks.ts', import.meta.url).href)}
    const sink = createStreamSink(process.stdout)
    sink.write('first')
    process.stdin.once('data', () => {
      sink.write('into the void')
      queueMicrotask(() => sink.write('again'))
    })
    process.stdin.once('end', () => process.exit(7))
  `
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')

  await once(child.stdout, 'data')
  const closed = once(child.stdout, 'close')
  child.stdout.destroy()
  await closed
  child.stdin.write('go\n')
  child.stdin.end()

  expect(await exited).toEqual([7, null])
})

test('a reader that is too slow costs lines, not memory', () => {
  const stuck = new Writable({ write: () => undefined })
  const sink = createStreamSink(stuck)
  const line = 'x'.repeat(1024 * 1024)

  for (let count = 0; count < 100; count += 1) sink.write(line)

  expect(stuck.writableLength).toBeLessThan(10 * 1024 * 1024)
})

test('closing waits until all was handed over', async () => {
  const taken: string[] = []
  const slow = new Writable({
    write(chunk, _encoding, done) {
      setImmediate(() => {
        taken.push(String(chunk))
        done()
      })
    },
    highWaterMark: 1,
  })
  const sink = createStreamSink(slow)
  sink.write('a')
  sink.write('b')

  await sink.close()

  expect(taken).toEqual(['a\n', 'b\n'])
})
