import { CANARIES } from './canaries.ts'
import { createFolder } from './chainwarden.ts'
import { freePort } from './free-port.ts'
import type { OrderChain } from './order-chain.ts'

export interface OrderWatch extends Disposable {
  readonly folder: string
  readonly port: number
  readonly config: string
}

export interface OrderWatchOptions {
  readonly chain: OrderChain
  /** Of the node, or of what stands in front of it. */
  readonly rpcUrls: readonly string[]
  readonly receiverUrl: string
  /** More keys of the target, one a line. */
  readonly target?: readonly string[]
  readonly route?: string
}

/** A configuration as an operator would write it for the orders contract, in a folder of its own. */
export async function createOrderWatch(options: OrderWatchOptions): Promise<OrderWatch> {
  const { chain, rpcUrls, receiverUrl, target = [], route = "group_by: ['...']" } = options
  const folder = createFolder()
  const port = await freePort()
  folder.write('orders.abi.json', JSON.stringify(chain.abi))
  const urls = rpcUrls.map((url) => `'${url}'`)
  const config = `
server:
  listen: 127.0.0.1:${port}
  tokens: [{ name: ops, role: admin, token: ${CANARIES.token} }]
storage:
  path: ./data
log: { level: debug }
targets:
  - type: evm-contract
    name: orders
    interval: 400ms
    labels: { team: trade }
    owner: trade desk
    rpc_urls: [${urls.join(', ')}]
    chain_id: 31337
    address: "${chain.address}"
    abi: ./orders.abi.json
    confirmations: 0
    start_block: 1
    reads: [owner, paused, count, failures, unreadable]
    journeys:
      - name: order
        key: order_id
        start: OrderPlaced
        ends: { filled: OrderFilled, failed: OrderFailed }
        deadline: 10m
    self_check: { counter: count, event: OrderPlaced }
    depends_on: [this-host]
${target.map((line) => `    ${line}\n`).join('')}  - { type: host, name: this-host }
event_rules:
  - alert: OrderFailed
    on: evm.log
    where: 'event.name == "OrderFailed"'
    labels: { severity: warning }
    annotations:
      summary: 'Order {{ $event.args.order_id }} failed: {{ $event.args.cause.reason }}'
alerting:
  route: { receiver: desk, ${route}, group_wait: 1s, group_interval: 2s }
  receivers:
    - name: desk
      webhook_configs: [{ url: '${receiverUrl}' }]
`
  return { folder: folder.path, port, config, [Symbol.dispose]: () => folder.remove() }
}
