/** What `init` found out. */
export interface InitAnswers {
  readonly rpcUrls: readonly string[]
  readonly chainId: number
  /** undefined: only this host is watched. */
  readonly contract: InitContract | undefined
  /** undefined: alerts go to the console. */
  readonly receiver: { readonly kind: 'webhook' | 'slack' | 'pagerduty'; readonly value: string } | undefined
}

export interface InitContract {
  readonly name: string
  readonly address: string
  /** A file, relative to the configuration; undefined with a preset, which brings its own. */
  readonly abi: string | undefined
  readonly preset: string | undefined
}

/** The commented configuration that `init` writes. It passes `check`. */
export function initDocument(answers: InitAnswers): string {
  const targets = [hostTarget(), ...(answers.contract === undefined ? [] : [contractTarget(answers, answers.contract)])]
  return `# Chainwarden watches what stands here. \`chainwarden check\` says whether it is right and asks every endpoint;
# \`chainwarden run\` starts it. Every key: docs/reference/configuration.md, or \`chainwarden schema\` for your editor.
# \${NAME} takes a value from the environment, \${file:path} from a file.

server:
  # Metrics, queries and status: http://127.0.0.1:9095/metrics
  listen: 127.0.0.1:9095

storage:
  # Everything that must survive a restart lies in this folder.
  path: ./data

targets:
${targets.join('\n')}
# Prometheus rule files of your own, beside the rules that each type brings along.
# rules:
#   files: [rules/*.yml]
${alerting(answers.receiver)}`
}

function hostTarget(): string {
  return `  # This machine: disks, memory, load, network.
  - type: host
    name: this-host
`
}

function contractTarget({ rpcUrls, chainId }: InitAnswers, contract: InitContract): string {
  const { name, address, abi, preset } = contract
  const kind =
    preset === undefined
      ? `    # The contract's interface: a list, or an artifact with \`abi\`.\n    abi: ${quote(abi ?? '')}`
      : `    # A contract we know: its interface, what to read, what to follow, and its rules.\n    preset: ${preset}`
  return `  # A contract: each event from the first block on, its view functions, and the node behind it.
  - type: evm-contract
    name: ${quote(name)}
    # Several endpoints are compared with each other, and one that fails is replaced by the next.
    rpc_urls:
${rpcUrls.map((url) => `      - ${quote(url)}`).join('\n')}
    chain_id: ${chainId}
    address: ${quote(address)}
${kind}
    # Where to begin: a block number, or \`latest\` for what happens from now on.
    start_block: latest
    # How many blocks an event must be deep before it counts. 0: at once; what a reorg takes back is taken back here too.
    confirmations: 0
    # View functions that become metrics, beside owner, paused and transaction_count where the contract has them:
    # reads: [{ name: balanceOf, args: ['0x...'], decimals: 18 }]
    # Who looks after it stands in every message:
    # owner: the bridge team
    # runbook_url: https://...
`
}

function alerting(receiver: InitAnswers['receiver']): string {
  const entry = receiver === undefined ? consoleEntry() : ENTRIES[receiver.kind](quote(receiver.value))
  return `
# Where alerts go, in Alertmanager's own words: route tree, grouping, receivers. \`file: alertmanager.yml\` reads yours.
alerting:
  route:
    receiver: me
    group_by: [alertname, target, event_id]
  receivers:
    - name: me
${entry}
`
}

function consoleEntry(): string {
  return `      # Alerts are printed. A webhook_configs, slack_configs or pagerduty_configs entry sends them instead.
      console_configs:
        - {}`
}

const ENTRIES = {
  webhook: (value: string) =>
    `      # Alertmanager's JSON, version 4.\n      webhook_configs:\n        - url: ${value}`,
  slack: (value: string) => `      slack_configs:\n        - api_url: ${value}`,
  pagerduty: (value: string) => `      pagerduty_configs:\n        - routing_key: ${value}`,
}

/** A YAML text in single quotes; an environment reference stays one. */
function quote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
