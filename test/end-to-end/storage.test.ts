import { chmodSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { getuid } from 'node:process'

import SqliteFile from 'better-sqlite3'
import { describe, expect, test } from 'vitest'

import { createFolder, runChainwarden, startChainwarden } from '../support/chainwarden.ts'
import { eventually } from '../support/eventually.ts'
import { freePort } from '../support/free-port.ts'

const HOST = 'targets: [{ type: host, name: this-host }]\n'

/** A sentence for people: one line, and no trace of where in the program it came from. */
function expectSentence(text: string): void {
  expect(text.trimEnd().split('\n')).toHaveLength(1)
  expect(text).not.toMatch(/\bat \S+:\d+:\d+/)
}

describe.concurrent('what is stored', { timeout: 60_000 }, () => {
  test('belongs to one process: a second one says who is there and ends with 75', async () => {
    using folder = createFolder()
    const port = await freePort()
    await using first = await startChainwarden({
      folder: folder.path,
      port,
      config: `server: { listen: 127.0.0.1:${port} }\n${HOST}`,
    })
    folder.write('second.yaml', `server: { listen: 127.0.0.1:${await freePort()} }\n${HOST}`)

    const second = await runChainwarden(['run', '--config', 'second.yaml'], { folder: folder.path })
    expect(second.code).toBe(75)
    expect(second.stderr).toContain(`Another Chainwarden is already at work in ${join(folder.path, 'data')}`)
    expectSentence(second.stderr)
    expect(await first.status()).toMatchObject({ ready: true })

    await first.kill()
    await using next = await startChainwarden({ folder: folder.path, port })
    expect(await next.stop()).toMatchObject({ code: 0 })
  })

  test('by a newer version is left as it is', async () => {
    using folder = createFolder()
    const port = await freePort()
    const options = { folder: folder.path, port, config: `server: { listen: 127.0.0.1:${port} }\n${HOST}` }
    await using first = await startChainwarden(options)
    await first.stop()
    const file = new SqliteFile(join(folder.path, 'data/state.db'))
    file.exec("insert into kysely_migration (name, timestamp) values ('9999-future', '2100-01-01T00:00:00Z')")
    file.close()

    const refused = await runChainwarden(['run'], { folder: folder.path })
    expect(refused.code).toBe(1)
    expect(refused.stderr).toContain('was written by a newer version of Chainwarden')
    expect(refused.stderr).toContain('9999-future')
    expectSentence(refused.stderr)
  })

  test('in a file that is no database is left as it is', async () => {
    using folder = createFolder()
    mkdirSync(join(folder.path, 'data'))
    const text = 'this is a text and no database, whatever its name says\n'.repeat(50)
    const file = folder.write('data/state.db', text)
    folder.write('chainwarden.yaml', `server: { listen: 127.0.0.1:${await freePort()} }\n${HOST}`)

    const refused = await runChainwarden(['run'], { folder: folder.path })
    expect(refused.code).toBe(1)
    expect(refused.stderr).toContain(`${file} cannot be used: it is no database`)
    expectSentence(refused.stderr)
    expect(readFileSync(file, 'utf8')).toBe(text)
  })

  test('of samples and cannot be read is set aside, aloud, and watching goes on', async () => {
    using folder = createFolder()
    const port = await freePort()
    mkdirSync(join(folder.path, 'data'))
    const text = 'no samples, and no database either\n'.repeat(100)
    folder.write('data/samples.db', text)
    const config = `server: { listen: 127.0.0.1:${port} }\n${HOST}`
    await using chainwarden = await startChainwarden({ folder: folder.path, port, config })

    await eventually('the host is watched', async () => (await chainwarden.value('up{target="this-host"}')) === 1)
    const said = chainwarden.log().find(({ level }) => level === 'error')
    expect(said?.message).toContain('it was set aside')
    expect(readFileSync(String(said?.['aside']), 'utf8')).toBe(text)
  })

  test('cannot be where nobody may write', async () => {
    using folder = createFolder()
    // Root may write everywhere but into what the kernel makes up.
    const isRoot = getuid?.() === 0
    const path = isRoot ? '/sys/kernel/chainwarden' : join(folder.path, 'closed')
    if (!isRoot) {
      mkdirSync(path)
      chmodSync(path, 0o555)
    }
    folder.write(
      'chainwarden.yaml',
      `server: { listen: 127.0.0.1:${await freePort()} }\nstorage: { path: ${path} }\n${HOST}`,
    )

    const refused = await runChainwarden(['run'], { folder: folder.path })
    expect(refused.code).toBe(1)
    expect(refused.stderr).toContain(path)
    expectSentence(refused.stderr)
  })
})
