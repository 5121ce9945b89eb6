import { env, stderr } from 'node:process'
import { setTimeout as pause } from 'node:timers/promises'

import { describe, expect, test } from 'vitest'

import { HAS_ANVIL } from '../support/anvil.ts'
import { CANARIES, expectNoSecrets } from '../support/canaries.ts'
import { runChainwarden, startChainwarden } from '../support/chainwarden.ts'
import { type OrderChain, startOrderChain, takeStep } from '../support/order-chain.ts'
import { expectAlerts, expectTruth } from '../support/order-truth.ts'
import { createOrderWatch } from '../support/order-watch.ts'
import { startReceiver } from '../support/received.ts'
import { createVirtualWorld } from '../support/virtual-world.ts'

const KILLS = 7
/** The longest life between two kills: most end while something is under way. */
const LIFE_MS_MAX = 2_000
const STEP_MS = 40
/** What the receiver answers once in a life, each in turn. */
const SINK_TROUBLE = [{ status: 503 }, { status: 429, headers: { 'retry-after': '1' } }, { status: 500, body: 'no' }]

/** Traffic and reorgs, until told to end; resolves when the last step is done. */
function startTraffic(chain: OrderChain, random: () => number): () => Promise<void> {
  const ending = new AbortController()
  const done = (async () => {
    while (!ending.signal.aborted) {
      await takeStep(chain, random())
      await pause(STEP_MS)
    }
  })()
  return async () => {
    ending.abort()
    await done
  }
}

describe.skipIf(!HAS_ANVIL)('a contract that nobody has a preset for', { timeout: 120_000 }, () => {
  test('is watched through kills and reorgs: what is told and counted is what is on the chain', async () => {
    // A failure names its seed; SEED=n plays it again, as far as two processes can be played again.
    const seed = Number(env['SEED'] ?? Date.now() % 1_000_000)
    stderr.write(`kills and reorgs with SEED=${seed}\n`)
    const kills = createVirtualWorld({ seed })
    const days = createVirtualWorld({ seed: seed + 1 })
    await using chain = await startOrderChain()
    await using receiver = await startReceiver(CANARIES.webhookPath)
    using watch = await createOrderWatch({
      chain,
      rpcUrls: [`${chain.anvil.url}/?apikey=${CANARIES.rpcKey}`],
      receiverUrl: receiver.url,
    })
    await chain.place(3)
    await chain.fail()
    const history = (await chain.truth()).failures
    // Block times are whole seconds: what comes now is of another second than what was before the first start.
    await chain.anvil.rpc('evm_increaseTime', [2])

    let endTraffic: (() => Promise<void>) | undefined
    const printed: string[] = []
    for (let kill = 0; kill < KILLS; kill += 1) {
      await using chainwarden = await startChainwarden(watch)
      receiver.sink.trouble(...SINK_TROUBLE.slice(kill % 3, (kill % 3) + 1))
      endTraffic ??= startTraffic(chain, () => days.random())
      await pause(kills.random() * LIFE_MS_MAX)
      const { stdout, stderr: errors } = await chainwarden.kill()
      printed.push(stdout)
      expect(errors).toBe('')
    }
    await endTraffic?.()
    await using last = await startChainwarden(watch)
    await chain.mine(3)

    await expectTruth(last, chain)
    await expectAlerts(last, { chain, receiver, history })
    expect(receiver.told('OrderFailed', /cause-\d+\./).size).toBeGreaterThan(KILLS)
    const checked = await runChainwarden(['check', '--config', `${watch.folder}/chainwarden.yaml`], watch)
    expect(checked).toMatchObject({ code: 0, stderr: '' })
    expect(last.log().map(({ message }) => message)).toContain('listening')
    expect(await last.stop()).toMatchObject({ code: 0, signal: null, stderr: '' })

    await using again = await startChainwarden(watch)
    await expectTruth(again, chain)
    await expectNoSecrets(again, ...printed, last.output(), checked.stdout)
  })
})
