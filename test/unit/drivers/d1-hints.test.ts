import { expect, test } from 'vitest'
import { lostError } from '../../../src/drivers/d1/failure.ts'
import { unreachable } from '../../../src/drivers/d1/session.ts'
import type { D1Endpoint } from '../../../src/drivers/d1/url.ts'
import { parseD1Url } from '../../../src/drivers/d1/url.ts'
import { environmentOf } from '../core/samples.ts'
import type { Environment } from '../../../src/core/environment.ts'

function environmentAt(url: string): Environment<D1Endpoint> {
  const variables: Readonly<Record<string, string>> = {
    CLOUDFLARE_ACCOUNT_ID: 'a'.repeat(32),
    CLOUDFLARE_API_TOKEN: 'token',
  }
  const parsed = parseD1Url(url, { projectDir: '/project', variable: (name) => variables[name] })
  if (!parsed.ok) throw new Error(parsed.message)
  return { ...environmentOf('dev'), endpoint: parsed.endpoint }
}

test.each([
  ['cannot be reached', unreachable],
  ['has stopped answering', lostError],
])('who has a local database that %s was sent to the state of Cloudflare', (_what, describe) => {
  const local = describe(environmentAt('d1-local:app'), 'no answer within 10 s')
  const remote = describe(environmentAt('d1://11111111-1111-4111-8111-111111111111'), 'Cloudflare answered 503')

  expect(local.message).toContain('no answer within 10 s')
  expect(local.hint).toMatch(/again\.$/u)
  expect(local.hint).not.toMatch(/cloudflare|network/iu)
  expect(remote.hint).toContain('cloudflarestatus.com')
})
