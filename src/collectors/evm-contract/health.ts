import type { EvmEndpointHealth, EvmView } from '../../chains/evm/index.ts'
import type { Sample } from '../../core/sample.ts'

/** What is known of each endpoint, whatever else failed. What is not known has no sample. */
export function endpointSamples(view: EvmView): readonly Sample[] {
  return view.endpoints.flatMap((health) => {
    const labels = { endpoint: health.name }
    return [
      { name: 'evm_endpoint_up', labels, value: health.isUp ? 1 : 0 },
      { name: 'evm_endpoint_suspicious', labels, value: health.suspicion === undefined ? 0 : 1 },
      { name: 'evm_endpoint_wrong_chain', labels, value: isOnWrongChain(health) ? 1 : 0 },
      ...known('evm_endpoint_head_block', health, health.headNumber),
      ...known('evm_endpoint_head_lag_blocks', health, health.lagBlocks),
      ...known('evm_endpoint_latency_seconds', health, seconds(health.latencyMs)),
    ]
  })
}

function known(name: string, health: EvmEndpointHealth, value: number | undefined): readonly Sample[] {
  return value === undefined ? [] : [{ name, labels: { endpoint: health.name }, value }]
}

function seconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : ms / 1000
}

function isOnWrongChain(health: EvmEndpointHealth): boolean {
  return health.failure?.reason === 'wrong-chain'
}
