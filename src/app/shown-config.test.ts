import { expect, test } from 'vitest'

import { loadText } from '../config/index.ts'
import { showConfig } from './shown-config.ts'

const TEXT = `
server:
  listen: 127.0.0.1:0
  tokens: [{ name: eye, role: viewer, token: token-that-nobody-may-see }]
storage:
  url: postgres://user:password-that-nobody-may-see@db/state
metrics: { retention: 3d }
targets:
  - type: evm-contract
    name: bridge
    interval: 2s
    rpc_urls: ["https://user:url-password-nobody-sees@node.example/v3/key0123456789key0123456789?k=query-nobody-sees"]
    address: "0x5fbdb2315678afecb367f032d93f642f64180aa3"
    abi: [{ type: event, name: Buffered, inputs: [] }]
alerting:
  route: { receiver: ops }
  receivers:
    - name: ops
      webhook_configs:
        - url: https://hooks.example/path-that-nobody-may-see
`

test('the configuration is shown with its defaults, durations as they are written, and no secret', async () => {
  const config = await loadText(TEXT, { file: 'chainwarden.yaml', shownFile: undefined, environment: {} })
  const shown = await showConfig(config)

  expect(shown).toContain('retention: 3d')
  expect(shown).toContain('interval: 2s')
  expect(shown).toContain('name: bridge')
  expect(shown).toContain('https://node.example/v3/<secret>')
  expect(shown).toContain('receiver: ops')
  expect(shown).toContain('token: <secret>')
  expect(shown).not.toMatch(/nobody|key0123/)
})
