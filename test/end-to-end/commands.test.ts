import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { describe, expect, test } from 'vitest'
import { z } from 'zod'

import { startEvmProxy } from '../../src/fakes/evm-proxy/index.ts'
import { createWorld } from '../../src/lib/world.ts'
import { HAS_ANVIL } from '../support/anvil.ts'
import { CANARIES } from '../support/canaries.ts'
import { createFolder, runChainwarden, startChainwarden, startCommand } from '../support/chainwarden.ts'
import { eventually } from '../support/eventually.ts'
import { freePort } from '../support/free-port.ts'
import { type OrderChain, startOrderChain } from '../support/order-chain.ts'
import { expectTruth } from '../support/order-truth.ts'
import { createOrderWatch, type OrderWatch } from '../support/order-watch.ts'
import { type Receiver, startReceiver } from '../support/received.ts'

const statusSchema = z.object({ targets: z.array(z.looseObject({ name: z.string() })) })
const eventLine = z.object({
  sequence: z.number(),
  target: z.literal('orders'),
  name: z.string(),
  transaction: z.string(),
  args: z.record(z.string(), z.unknown()),
})

interface Place extends AsyncDisposable {
  readonly chain: OrderChain
  readonly receiver: Receiver
  readonly watch: OrderWatch
}

async function open(): Promise<Place> {
  const stack = new AsyncDisposableStack()
  const chain = stack.use(await startOrderChain())
  const receiver = stack.use(await startReceiver(CANARIES.webhookPath))
  const watch = stack.use(await createOrderWatch({ chain, rpcUrls: [chain.anvil.url], receiverUrl: receiver.url }))
  await chain.place(4)
  return { chain, receiver, watch, [Symbol.asyncDispose]: async () => stack.disposeAsync() }
}

function linesOf(text: string): readonly string[] {
  return text.split('\n').filter((line) => line !== '')
}

describe.skipIf(!HAS_ANVIL).concurrent('a command', { timeout: 120_000 }, () => {
  test('status shows a contract, and null with a reason for what cannot be seen', async () => {
    await using place = await open()
    const { chain, watch } = place
    await using proxy = new AsyncDisposableStack()
    const node = proxy.adopt(await startEvmProxy({ world: createWorld(), upstream: chain.anvil.url }), async (it) =>
      it.stop(),
    )
    const config = watch.config.replace(chain.anvil.url, node.url)
    await using chainwarden = await startChainwarden({ ...watch, config })
    await expectTruth(chainwarden, chain)
    const ask = async () => {
      const { code, stdout } = await runChainwarden(['status', '--json'], watch)
      expect(code).toBe(0)
      const orders = statusSchema.parse(JSON.parse(stdout)).targets.find(({ name }) => name === 'orders')
      return z.looseObject({ reasons: z.record(z.string(), z.string()) }).parse(orders)
    }

    const seen = await ask()
    expect(seen).toMatchObject({
      connected: true,
      contract_exists: true,
      paused: false,
      count: 4,
      block_number: (await chain.truth()).head,
      transaction_count: null,
      unreadable: null,
    })
    expect(seen['timestamp']).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
    expect(seen['owner']).toMatch(/^0x[0-9a-fA-F]{40}$/)
    expect(Object.keys(seen.reasons).toSorted()).toEqual(['transaction_count', 'unreadable'])

    node.setFaults({ kind: 'reset' })
    await eventually('the node is gone', async () => (await chainwarden.value('up{target="orders"}')) === 0)
    const blind = await ask()
    const names = ['contract_exists', 'owner', 'paused', 'transaction_count', 'block_number']
    expect(blind).toMatchObject({ connected: false })
    expect(blind['timestamp']).not.toBe(seen['timestamp'])
    expect(Object.fromEntries(names.map((name) => [name, blind[name]]))).toEqual(
      Object.fromEntries(names.map((name) => [name, null])),
    )
    for (const name of names) expect(blind.reasons[name]).toContain(new URL(node.url).host)
    expect((await runChainwarden(['status'], watch)).stdout).toMatch(/orders\s+evm-contract\s+down/)
  })

  test('events prints what happened as a table, as CSV, as JSON, and goes on with --follow', async () => {
    await using place = await open()
    const { chain, watch } = place
    await chain.fail()
    await using chainwarden = await startChainwarden(watch)
    await expectTruth(chainwarden, chain)
    await using following = startCommand(
      ['events', '--follow', '--format', 'json', '--name', 'OrderFailed'],
      watch.folder,
    )
    await eventually('what happened before is printed', () => linesOf(following.output()).length === 1)

    await chain.fail()
    await chain.fill()
    await eventually('what happens is printed', () => linesOf(following.output()).length === 2)
    const followed = linesOf(following.output()).map((line) => eventLine.parse(JSON.parse(line)))
    expect(followed.map(({ args }) => z.object({ reason: z.string() }).parse(args['cause']).reason)).toEqual([
      'cause-1.',
      'cause-2.',
    ])
    expect(await following.stop('SIGINT')).toMatchObject({ code: 0 })

    const csv = await runChainwarden(['events', '--format', 'csv', '--target', 'orders'], watch)
    const [heading, ...rows] = csv.stdout.split('\r\n').slice(0, -1)
    expect(heading).toBe('sequence,time,target,type,name,height,transaction,id,history,arguments')
    expect(rows).toHaveLength(Object.values((await chain.truth()).events).reduce((sum, count) => sum + count, 0))
    const table = await runChainwarden(['events', '--name', 'OrderFilled'], watch)
    expect(linesOf(table.stdout)).toHaveLength(2)
    const future = await runChainwarden(['events', '--from', '2100-01-01T00:00:00Z'], watch)
    expect(future).toMatchObject({ code: 0, stdout: 'No events.\n' })

    await chainwarden.kill()
    const stored = await runChainwarden(['events', '--format', 'csv', '--target', 'orders'], watch)
    expect(stored).toEqual({ ...csv, stderr: stored.stderr })
    const query = await runChainwarden(['query', 'sum(evm_contract_events_total)'], watch)
    expect(query).toMatchObject({ code: 0 })
  })

  test('a reload takes what changed, and a bad file changes nothing and says why', async () => {
    await using place = await open()
    const { chain, receiver, watch } = place
    await using chainwarden = await startChainwarden(watch)
    await expectTruth(chainwarden, chain)
    const file = join(watch.folder, 'chainwarden.yaml')
    const reload = async () => {
      const answer = await chainwarden.get('/-/reload', { method: 'POST' })
      return { status: answer.status, body: await answer.text() }
    }

    writeFileSync(file, watch.config.replace('interval: 400ms', 'interval: soon'))
    const refused = await reload()
    expect(refused.status).toBe(400)
    expect(refused.body).toContain('chainwarden.yaml:11: targets[0].interval: this is no duration')
    chainwarden.signal('SIGHUP')
    await eventually(
      'the log says so too',
      () => chainwarden.log().filter(({ message }) => message.includes('was not reloaded')).length === 2,
    )
    await chain.fail()
    await eventually('the old rules still tell', () => receiver.alerts('OrderFailed').length === 1)

    writeFileSync(
      file,
      watch.config
        .replaceAll('OrderFailed', 'OrderFilled')
        .replace('failed: OrderFilled', 'failed: OrderFailed')
        .replace('failed: {{ $event.args.cause.reason }}', 'is filled'),
    )
    chainwarden.signal('SIGHUP')
    await eventually('the new file is taken', () =>
      chainwarden.log().some(({ message }) => message === 'configuration reloaded'),
    )
    await chain.fill()
    await eventually('the new rules tell', () => receiver.alerts('OrderFilled').length === 1)
    await eventually(
      'the alert of the rule that left is closed',
      () => receiver.alerts('OrderFailed').at(-1)?.status === 'resolved',
    )

    const [first = ''] = watch.config.split('\nevent_rules:')
    const hostOnly = first.replace(/ {2}- type: evm-contract[\s\S]*(?= {2}- \{ type: host)/, '')
    writeFileSync(file, hostOnly)
    expect(await reload()).toMatchObject({ status: 200 })
    await eventually('the target is gone', async () => {
      const { targets } = await chainwarden.status()
      return targets.map(({ name }) => name).join() === 'this-host'
    })
    expect(await chainwarden.query('evm_contract_events_total')).toEqual([])
    expect(await chainwarden.stop()).toMatchObject({ code: 0, stderr: '' })
  })

  test('check asks every endpoint, says what it can do, and ends with 75 when one does not answer', async () => {
    await using place = await open()
    const { chain, watch } = place
    const file = join(watch.folder, 'chainwarden.yaml')
    writeFileSync(file, watch.config)

    const good = await runChainwarden(['check'], watch)
    expect(good).toMatchObject({ code: 0, stderr: '' })
    expect(good.stdout).toMatch(/chainwarden\.yaml is valid: 2 targets, \d+ rules, \d+ event rules\./)
    expect(good.stdout).toMatch(/read unreadable +not supported: it reverts: not for you/)
    const data: unknown = JSON.parse((await runChainwarden(['check', '--json'], watch)).stdout)
    expect(data).toMatchObject({ ok: true, targets: 2 })

    writeFileSync(file, watch.config.replace(chain.anvil.url, `http://127.0.0.1:${await freePort()}`))
    const dead = await runChainwarden(['check'], watch)
    expect(dead.code).toBe(75)
    expect(dead.stdout).toMatch(/orders +evm-contract +FAILS .*could not be reached: ECONNREFUSED/)
    expect(await runChainwarden(['check', '--offline'], watch)).toMatchObject({ code: 0 })
  })

  test('run --once delivers what happened since the last time, for cron', async () => {
    await using place = await open()
    const { chain, receiver, watch } = place
    writeFileSync(join(watch.folder, 'chainwarden.yaml'), watch.config)
    const once = async () => runChainwarden(['run', '--once'], watch)

    expect(await once()).toMatchObject({ code: 0, stderr: '' })
    await chain.fail()
    await chain.fail()
    expect(await once()).toMatchObject({ code: 0, stderr: '' })
    expect(receiver.alerts('OrderFailed').map(({ status }) => status)).toEqual(['firing', 'firing'])
    expect(await once()).toMatchObject({ code: 0 })
    expect(receiver.sink.accepted).toHaveLength(2)

    await using running = await startChainwarden(watch)
    const beside = await once()
    expect(beside.code).toBe(75)
    expect(beside.stderr).toContain('is already at work in')
    expect(await running.stop()).toMatchObject({ code: 0 })
  })

  test('run --once ends with 75 while nobody takes the message, and the next run delivers it', async () => {
    await using place = await open()
    const { chain, receiver, watch } = place
    const file = join(watch.folder, 'chainwarden.yaml')
    writeFileSync(file, watch.config)
    expect(await runChainwarden(['run', '--once'], watch)).toMatchObject({ code: 0 })
    await chain.fail()
    writeFileSync(file, watch.config.replace(receiver.url, `http://127.0.0.1:${await freePort()}/`))
    expect(await runChainwarden(['run', '--once'], watch)).toMatchObject({ code: 75 })
    expect(receiver.sink.accepted).toEqual([])

    writeFileSync(file, watch.config)
    expect(await runChainwarden(['run', '--once'], watch)).toMatchObject({ code: 0 })
    expect(receiver.alerts('OrderFailed').map(({ status }) => status)).toEqual(['firing'])
  })

  test('schema prints a JSON Schema that knows the types of targets', async () => {
    using folder = createFolder()
    const { code, stdout } = await runChainwarden(['schema'], { folder: folder.path })

    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ type: 'object', title: 'chainwarden.yaml' })
    expect(stdout).toContain('"evm-contract"')
    expect(stdout).toContain('"webhook_configs"')
  })

  test('init writes a file that passes check and runs', async () => {
    await using place = await open()
    const { chain, watch } = place
    const asked = ['--rpc-url', chain.anvil.url, '--address', chain.address, '--abi', 'orders.abi.json', '--yes']
    expect(await runChainwarden(['init', ...asked], watch)).toMatchObject({ code: 0, stderr: '' })
    expect(await runChainwarden(['check'], watch)).toMatchObject({ code: 0, stderr: '' })
    const refused = await runChainwarden(['init', ...asked], watch)
    expect(refused.code).toBe(1)
    expect(refused.stderr).toContain('exists already')
    const text = readFileSync(join(watch.folder, 'chainwarden.yaml'), 'utf8')
    const config = text.replace('127.0.0.1:9095\n', `127.0.0.1:${watch.port}\n`)
    await using chainwarden = await startChainwarden({ ...watch, config })
    await eventually('the contract is seen', async () => (await chainwarden.value('evm_contract_exists')) === 1)
    expect(await chainwarden.stop('SIGINT')).toMatchObject({ code: 0 })
  })
})
