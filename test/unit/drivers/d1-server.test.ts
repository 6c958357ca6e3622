import { expect, test } from 'vitest'
import { parseD1Url } from '../../../src/drivers/d1/url.ts'
import { driverOf } from '../../../src/drivers/index.ts'
import { environmentOf } from '../core/samples.ts'

const VARIABLES: Readonly<Record<string, string>> = {
  CLOUDFLARE_ACCOUNT_ID: 'a'.repeat(32),
  CLOUDFLARE_API_TOKEN: 'token',
}

/** The server of a D1 database, as connections are counted by it. */
function serverOf(url: string, variables: Readonly<Record<string, string>> = VARIABLES): string | undefined {
  const parsed = parseD1Url(url, { projectDir: '/nowhere', variable: (name) => variables[name] })
  if (!parsed.ok) throw new Error(parsed.message)
  return driverOf('d1').serverOf?.({ ...environmentOf('prod/a'), endpoint: parsed.endpoint })
}

const [ONE, TWO] = ['d1://11111111-1111-4111-8111-111111111111', 'd1://22222222-2222-4222-8222-222222222222'] as const

test('the databases of one account share its connections, those of another one do not', () => {
  expect(serverOf(ONE)).toBeDefined()
  expect(serverOf(ONE)).toBe(serverOf(TWO))
  expect(serverOf(ONE)).not.toBe(serverOf(ONE, { ...VARIABLES, CLOUDFLARE_ACCOUNT_ID: 'b'.repeat(32) }))
})

test('local databases, of which each is a process, share the machine', () => {
  expect(serverOf('d1-local:one')).toBe(serverOf('d1-local:two'))
})
