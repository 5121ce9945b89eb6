import { request as askHttp, type RequestOptions } from 'node:http'
import { request as askHttps } from 'node:https'
import { networkInterfaces } from 'node:os'
import { stderr } from 'node:process'

import { describe, expect, test } from 'vitest'

import { createCertificate } from '../support/certificate.ts'
import { createFolder, runChainwarden, startChainwarden } from '../support/chainwarden.ts'
import { eventually } from '../support/eventually.ts'
import { freePort } from '../support/free-port.ts'

interface Answer {
  readonly status: number | undefined
  readonly challenge: string | undefined
  readonly body: string
}

/** Asks with any header, `Host` too, and without following or trusting anything. */
async function ask(url: string, options: RequestOptions & { readonly ca?: string } = {}): Promise<Answer> {
  const send = url.startsWith('https:') ? askHttps : askHttp
  return new Promise((resolve, reject) => {
    const request = send(url, options, (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (text: string) => {
        body += text
      })
      response.on('end', () => {
        resolve({ status: response.statusCode, challenge: response.headers['www-authenticate'], body })
      })
    })
    request.on('error', reject).end()
  })
}

const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } })

const TOKENS = { viewer: 'viewer-token-0123456789', admin: 'admin-token-0123456789' } as const
const HOST = 'targets: [{ type: host, name: this-host }]\n'

/** An address of this machine that others could reach. */
const OUTSIDE = Object.values(networkInterfaces())
  .flat()
  .find((address) => address !== undefined && !address.internal && address.family === 'IPv4')?.address
if (OUTSIDE === undefined) stderr.write('this machine has no address beyond loopback: tokens are tested NOWHERE\n')

describe.concurrent('the server', { timeout: 60_000 }, () => {
  test('answers anyone on loopback, but no page of another site', async () => {
    using folder = createFolder()
    const port = await freePort()
    const config = `server: { listen: 127.0.0.1:${port}, external_url: https://watch.example.org }\n${HOST}`
    await using chainwarden = await startChainwarden({ folder: folder.path, port, config })

    for (const path of ['/metrics', '/api/status', '/api/v1/query?query=up', '/-/ready', '/-/healthy']) {
      const url = `${chainwarden.url}${path}`
      const allowed = [
        {},
        { host: `localhost:${port}` },
        { host: 'watch.example.org' },
        { origin: `http://localhost:${port}` },
        { origin: 'https://watch.example.org' },
      ]
      for (const headers of allowed) expect(await ask(url, { headers })).toMatchObject({ status: 200 })
      const foreign = [
        { host: 'attacker.example' },
        { host: `attacker.example:${port}` },
        { host: '127.0.0.1.attacker.example' },
        { origin: 'https://attacker.example' },
        { origin: 'null' },
      ]
      for (const headers of foreign) {
        expect(await ask(url, { headers })).toMatchObject({ status: 403 })
      }
    }
    const reload = { method: 'POST', headers: { origin: 'https://attacker.example' } }
    expect(await ask(`${chainwarden.url}/-/reload`, reload)).toMatchObject({ status: 403 })
    expect(await chainwarden.stop()).toMatchObject({ code: 0, stderr: '' })
  })

  test.skipIf(OUTSIDE === undefined)(
    'asks for a token beyond loopback, and lets nobody do more than the token may',
    async () => {
      using folder = createFolder()
      const port = await freePort()
      const config = `server:
  listen: [127.0.0.1:${port}, '${OUTSIDE}:${port}']
  tokens:
    - { name: eyes, role: viewer, token: ${TOKENS.viewer} }
    - { name: hands, role: admin, token: ${TOKENS.admin} }
${HOST}`
      await using chainwarden = await startChainwarden({ folder: folder.path, port, config })
      const url = `http://${OUTSIDE}:${port}`

      for (const path of ['/metrics', '/api/status', '/api/events', '/api/v1/query?query=up', '/-/ready', '/nowhere']) {
        const refused = await ask(`${url}${path}`)
        expect(refused).toMatchObject({ status: 401, challenge: 'Bearer' })
        expect(await ask(`${url}${path}`, bearer('guessed-token-0123456789'))).toMatchObject({ status: 401 })
      }
      for (const token of Object.values(TOKENS)) {
        expect(await ask(`${url}/api/status`, bearer(token))).toMatchObject({ status: 200 })
      }
      const reload = async (token: string) => ask(`${url}/-/reload`, { method: 'POST', ...bearer(token) })
      expect(await reload(TOKENS.viewer)).toMatchObject({ status: 403 })
      expect(await reload(TOKENS.admin)).toMatchObject({ status: 200 })
      expect(await ask(`${chainwarden.url}/api/status`)).toMatchObject({ status: 200 })
      expect(await runChainwarden(['status'], { folder: folder.path })).toMatchObject({ code: 0 })
      const output = chainwarden.output()
      for (const token of Object.values(TOKENS)) expect(output).not.toContain(token)
      expect(output).toContain('hands')
    },
  )

  test('speaks TLS with a certificate of its own, and commands on this machine still reach it', async () => {
    using folder = createFolder()
    const port = await freePort()
    const { cert, key } = createCertificate()
    folder.write('cert.pem', cert)
    folder.write('key.pem', key)
    const config = `server: { listen: 127.0.0.1:${port}, tls: { cert: cert.pem, key: key.pem } }\n${HOST}`
    folder.write('chainwarden.yaml', config)
    await using chainwarden = await startChainwarden({
      folder: folder.path,
      port,
      config,
      isReady: async () => (await ask(`https://127.0.0.1:${port}/-/ready`, { ca: cert })).status === 200,
    })

    expect(await ask(`https://localhost:${port}/metrics`, { ca: cert })).toMatchObject({ status: 200 })
    await expect(ask(`https://127.0.0.1:${port}/-/ready`)).rejects.toThrow('self-signed certificate')
    await eventually('a command shows the target', async () => {
      const { code, stdout } = await runChainwarden(['status'], { folder: folder.path })
      return code === 0 && stdout.includes('this-host')
    })
    expect(await chainwarden.stop()).toMatchObject({ code: 0, stderr: '' })
  })

  test('says which address is taken, and which certificate cannot be used', async () => {
    using folder = createFolder()
    const port = await freePort()
    const config = `server: { listen: 127.0.0.1:${port} }\n${HOST}`
    await using first = await startChainwarden({ folder: folder.path, port, config })
    expect(first.url).toContain(String(port))

    using other = createFolder()
    other.write('chainwarden.yaml', config)
    const taken = await runChainwarden(['run'], { folder: other.path })
    expect(taken.code).toBe(1)
    expect(taken.stderr).toMatch(
      /^chainwarden\.yaml:?\d*: server\.listen: cannot listen on 127\.0\.0\.1:\d+: .*EADDRINUSE/,
    )

    other.write('key.pem', 'nothing')
    other.write('chainwarden.yaml', config.replace(' }', ', tls: { cert: key.pem, key: key.pem } }'))
    const unusable = await runChainwarden(['run'], { folder: other.path })
    expect(unusable.code).toBe(1)
    expect(unusable.stderr).toContain('chainwarden.yaml')
    expect(unusable.stderr).not.toMatch(/^\s+at /m)
  })
})
