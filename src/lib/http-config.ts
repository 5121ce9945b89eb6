import { z } from 'zod'

import { secretSchema } from './schema.ts'
import type { Secret } from './secret.ts'

function notYet(key: string) {
  return z
    .unknown()
    .optional()
    .refine((value) => value === undefined, `${key} is not yet supported`)
}

/** Prometheus' `http_config`, as far as it is served: who we say we are. Redirects are never followed. */
export const httpConfigSchema = z
  .strictObject({
    basic_auth: z
      .strictObject({ username: z.string().default(''), password: secretSchema.optional() })
      .optional()
      .describe('Sent as HTTP basic authentication.'),
    authorization: z
      .strictObject({ type: z.string().min(1).default('Bearer'), credentials: secretSchema })
      .optional()
      .describe('Sent as the header Authorization.'),
    bearer_token: secretSchema.optional().describe('The old way to write authorization.'),
    http_headers: z
      .record(
        z.string().min(1),
        z.strictObject({ values: z.array(z.string()).default([]), secrets: z.array(secretSchema).default([]) }),
      )
      .optional()
      .describe('Further headers.'),
    follow_redirects: z
      .literal(false, 'redirects are not followed: another host must not get the secret')
      .optional()
      .describe('Only false: redirects are never followed.'),
    tls_config: notYet('tls_config'),
    proxy_url: notYet('proxy_url'),
    oauth2: notYet('oauth2'),
  })
  .refine(
    ({ basic_auth, authorization, bearer_token }) =>
      [basic_auth, authorization, bearer_token].filter((given) => given !== undefined).length <= 1,
    'only one of basic_auth, authorization and bearer_token can stand here',
  )

export type HttpConfig = z.output<typeof httpConfigSchema>

/** The headers that a configuration adds to each request. They hold secrets: for the request only. */
export function headersOf(config: HttpConfig | undefined): Readonly<Record<string, string>> {
  if (config === undefined) return {}
  const { basic_auth: basic, authorization, bearer_token: bearer, http_headers: further } = config
  const headers = new Map(
    Object.entries(further ?? {}).map(([name, { values, secrets }]) => [
      name,
      [...values, ...secrets.map((secret) => secret.reveal())].join(', '),
    ]),
  )
  const token = authorization ?? (bearer === undefined ? undefined : { type: 'Bearer', credentials: bearer })
  if (token !== undefined) headers.set('authorization', `${token.type} ${token.credentials.reveal()}`)
  if (basic !== undefined) headers.set('authorization', basicOf(basic.username, basic.password))
  return Object.fromEntries(headers)
}

function basicOf(username: string, password: Secret | undefined): string {
  return `Basic ${Buffer.from(`${username}:${password?.reveal() ?? ''}`).toString('base64')}`
}

/** A URL that is itself a secret, as most webhooks are. */
export const secretUrlSchema = secretSchema.refine(
  (url) => isHttpUrl(url.reveal()),
  'this must be a URL that begins with http:// or https://',
)

function isHttpUrl(text: string): boolean {
  const url = URL.parse(text)
  return url !== null && (url.protocol === 'http:' || url.protocol === 'https:')
}
