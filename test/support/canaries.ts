import { expect } from 'vitest'

import type { Chainwarden } from './chainwarden.ts'

/** Words that no reader of logs, metrics or answers may ever meet. */
export const CANARIES = {
  rpcKey: 'canaryrpckey0123456789abcdef',
  webhookPath: 'canarywebhook0123456789abcdef',
  token: 'canarytoken0123456789abcdef',
} as const

const PATHS = [
  '/metrics',
  '/api/status',
  '/api/events?limit=10000',
  '/api/v1/query?query={__name__!=""}',
  '/-/ready',
  '/-/healthy',
  '/nowhere',
]

/** Nothing that a running process answers, and nothing of these texts, may hold a secret. */
export async function expectNoSecrets(chainwarden: Chainwarden, ...texts: readonly string[]): Promise<void> {
  const answers = PATHS.map(async (path) => (await chainwarden.get(path)).text())
  for (const text of [...(await Promise.all(answers)), ...texts]) {
    expect(text.length).toBeGreaterThan(0)
    for (const canary of Object.values(CANARIES)) expect(text).not.toContain(canary)
  }
}
