import { copyFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { postgresDriver } from '../../src/drivers/postgres/index.ts'
import { parsePostgresUrl } from '../../src/drivers/postgres/url.ts'
import { connectTo } from '../contract/suite.ts'
import { findOpenssl, makeCertificate } from '../support/certificates.ts'
import type { Certificate } from '../support/certificates.ts'
import { createProject } from '../support/cli.ts'
import { createDatabase, testServer } from '../support/server.ts'
import { createRecorder, createTlsCluster } from '../support/tls-server.ts'
import type { TlsCluster, TlsServer } from '../support/tls-server.ts'

const OPENSSL = findOpenssl()
const FILES = { 'database/001-items.sql': 'CREATE TABLE IF NOT EXISTS items (id int);\n' }
const HERE = 'DNS:localhost,IP:127.0.0.1'

/** SSLRequest: all that may be sent to a server that says no. */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47])

/** The type of a TLS record that holds application data, up to TLS 1.2 (RFC 5246, 6.2.1); 1.3 hides its types. */
const APPLICATION_DATA = 23

test.runIf(OPENSSL === null)('SKIPPED: everything with certificates (apt-get install openssl)', ({ skip }) => {
  expect(process.env['CI'], 'in CI a missing openssl is a failure').not.toBe('true')
  process.stderr.write('SKIPPED: all tests with certificates. Install openssl: apt-get install openssl\n')
  skip('openssl is not installed')
})

describe.runIf(OPENSSL !== null)('a server with a certificate', () => {
  let cluster: TlsCluster
  let authority: Certificate
  beforeAll(async () => {
    cluster = await createTlsCluster()
    authority = makeCertificate(cluster.folder, 'authority', {})
  })
  afterAll(() => cluster[Symbol.asyncDispose]())

  const UNTRUSTED = 'signed by an authority that this machine does not trust'
  const OTHER_HOST = 'for another host name'
  const CONNECTED = 'connected'
  // One column for each way to ask: nothing said of a host across the network, with and without the authority's file;
  // require; verify-ca and verify-full with the file; verify-full by the address.
  const ASKED = [
    '',
    '?sslrootcert=',
    '?sslmode=require',
    '?sslmode=verify-ca&sslrootcert=',
    '?sslmode=verify-full&sslrootcert=',
    '127.0.0.1',
  ]

  describe.each([
    ['by the authority', () => sign('good', HERE), [UNTRUSTED, CONNECTED, CONNECTED, CONNECTED, CONNECTED, CONNECTED]],
    [
      'by another authority',
      () => sign('stranger', HERE, { authority: makeCertificate(cluster.folder, 'other-authority', {}) }),
      [UNTRUSTED, UNTRUSTED, CONNECTED, UNTRUSTED, UNTRUSTED, UNTRUSTED],
    ],
    [
      'by itself',
      () => makeCertificate(cluster.folder, 'alone', { names: HERE }),
      ['self-signed', 'self-signed', CONNECTED, 'self-signed', 'self-signed', 'self-signed'],
    ],
    [
      'by the authority, but expired',
      () => sign('old', HERE, { isExpired: true }),
      ['has expired', 'has expired', CONNECTED, 'has expired', 'has expired', 'has expired'],
    ],
    [
      'by the authority for another host',
      () => sign('elsewhere', 'DNS:db.example.com,IP:192.0.2.1'),
      [UNTRUSTED, OTHER_HOST, CONNECTED, OTHER_HOST, OTHER_HOST, OTHER_HOST],
    ],
  ])('that was signed %s', (_, makeOwn, results) => {
    let server: TlsServer
    beforeAll(async () => {
      server = await cluster.start(makeOwn(), 'TLSv1.2')
    })
    afterAll(() => server[Symbol.asyncDispose]())

    test.each(ASKED.map((asked, index) => [asked, results[index] ?? ''] as const))(
      'asked with "%s": %s',
      async (asked, expected) => {
        await using recorder = await createRecorder(server.port)
        const isByAddress = asked === '127.0.0.1'
        const query = (isByAddress ? '?sslmode=verify-full&sslrootcert=' : asked).replace(
          'sslrootcert=',
          `sslrootcert=${authority.certFile}`,
        )

        const said = await attempt(recorder.port, query, isByAddress ? '127.0.0.1' : 'localhost')

        expect({ outcome: said, hasSentData: countApplicationData(recorder.sent()) > 0 }).toEqual({
          outcome: expect.stringMatching(expected === CONNECTED ? /^connected$/u : /^target\/tls-unverified: /u),
          hasSentData: expected === CONNECTED,
        })
        expect(said).toContain(expected)
      },
    )
  })

  test('the command line exits 8, whatever NODE_TLS_REJECT_UNAUTHORIZED says, and 0 with the authority named', async () => {
    await using server = await cluster.start(sign('modern', HERE), 'TLSv1.3')
    const url = `postgres://postgres:${cluster.password}@localhost:${server.port}/postgres`
    await using project = createProject({ files: FILES })
    copyFileSync(authority.certFile, join(project.dir, 'authority.crt'))
    const status = async (variables: Readonly<Record<string, string>>): Promise<string> => {
      const { exitCode, stdout, stderr } = await project.run(['sync', '--yes', '--json'], { env: variables })
      return `${exitCode} ${stdout}${stderr}`
    }

    const full = `${url}?sslmode=verify-full`
    const refused = await status({ DATABASE_URL: full, NODE_TLS_REJECT_UNAUTHORIZED: '0' })
    const byOption = await status({ DATABASE_URL: `${full}&sslrootcert=authority.crt` })
    const byVariable = await status({ DATABASE_URL: full, PGSSLROOTCERT: 'authority.crt' })

    expect(refused).toMatch(/^8 /u)
    expect(refused).toContain('target/tls-unverified')
    expect(refused).not.toContain(cluster.password)
    expect(byOption).toMatch(/^0 /u)
    expect(byVariable).toMatch(/^0 /u)
  })

  test('a self-signed certificate that is named as the authority is enough', async () => {
    const alone = makeCertificate(cluster.folder, 'alone-but-known', { names: HERE })
    const copy = join(cluster.folder, 'known.crt')
    copyFileSync(alone.certFile, copy)
    await using server = await cluster.start(alone, 'TLSv1.3')

    expect(await attempt(server.port, `?sslmode=verify-full&sslrootcert=${copy}`)).toBe(CONNECTED)
  })

  test.each([
    ['is not there', null, 'cannot be read'],
    ['holds no certificate', 'something else\n', 'holds no certificate'],
    ['is damaged', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n', 'is damaged'],
  ])('a file of the authority that %s is named', async (what, content, expected) => {
    await using server = await cluster.start(sign('named', HERE), 'TLSv1.3')
    const path = join(cluster.folder, `${what.replaceAll(' ', '-')}.pem`)
    if (content !== null) writeFileSync(path, content)

    const said = await attempt(server.port, `?sslmode=verify-full&sslrootcert=${path}`)

    expect(said).toContain('target/tls-root-certificate')
    expect(said).toContain(`${path} ${expected}`)
  })

  function sign(
    name: string,
    names: string,
    options: { readonly authority?: Certificate; readonly isExpired?: boolean } = {},
  ): Certificate {
    return makeCertificate(cluster.folder, name, { names, authority, ...options })
  }

  /** Connects to a port of this machine as if it were across the network; says `connected`, or why not. */
  async function attempt(port: number, query: string, host = 'localhost'): Promise<string> {
    const url = parsePostgresUrl(`postgres://postgres:${cluster.password}@db.example.test:${port}/postgres${query}`, {
      projectDir: cluster.folder,
    })
    if (!url.ok || url.endpoint.kind !== 'server') throw new Error('not a server')
    return connectTo(postgresDriver, { ...url.endpoint, host }).then(
      async (connection) => {
        await connection[Symbol.asyncDispose]()
        return CONNECTED
      },
      ({ code, message, hint }: Record<string, string>) => `${code}: ${message} ${hint}`,
    )
  }
})

test.each(['require', 'verify-full'])(
  'a server that has no TLS is sent nothing but the question, with sslmode=%s',
  async (mode) => {
    await using database = await createDatabase('plain')
    await using recorder = await createRecorder(testServer().port)
    const url = new URL(database.url)
    url.port = `${recorder.port}`
    await using project = createProject({ files: FILES, env: { DATABASE_URL: `${url.href}?sslmode=${mode}` } })

    const result = await project.run(['sync', '--yes', '--json'])

    expect(result).toMatchObject({ exitCode: 8 })
    expect(result.stdout).toContain('target/tls-refused')
    expect(recorder.sent()).toEqual(SSL_REQUEST)
  },
)

test('what comes before the encryption is taken for somebody in between', async () => {
  await using recorder = await createRecorder(0, (client) => client.once('data', () => client.write('SE\0\0\0\x04')))
  const url = parsePostgresUrl(`postgres://postgres:secret@127.0.0.1:${recorder.port}/postgres?sslmode=require`, {
    projectDir: '/nowhere',
  })
  if (!url.ok) throw new Error(url.message)

  await expect(connectTo(postgresDriver, url.endpoint)).rejects.toMatchObject({
    code: 'target/tls-unverified',
    hint: 'Does a proxy stand in between?',
  })
  expect(recorder.sent()).toEqual(SSL_REQUEST)
})

/** How many TLS records of application data stand behind the SSLRequest. */
function countApplicationData(sent: Buffer): number {
  expect(sent.subarray(0, SSL_REQUEST.length)).toEqual(SSL_REQUEST)
  let count = 0
  // A record: type (1 byte), version (2), length (2), content (RFC 5246, 6.2.1).
  for (let at = SSL_REQUEST.length; at + 5 <= sent.length; at += 5 + sent.readUInt16BE(at + 3)) {
    if (sent[at] === APPLICATION_DATA) count++
  }
  return count
}
