import { Writable } from 'node:stream'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isPublicWord } from '../../../src/cli/output/public-words.ts'
import { createRedactor } from '../../../src/cli/output/redactor.ts'
import type { StreamLike } from '../../../src/cli/output/sink.ts'
import { type Writer, createWriter } from '../../../src/cli/output/writer.ts'
import { Secret } from '../../../src/core/secret.ts'

const GITHUB = { GITHUB_ACTIONS: 'true' }

interface Recorded extends StreamLike {
  readonly text: () => string
}

function recorder(properties: Partial<StreamLike> = {}): Recorded {
  let text = ''
  return {
    ...properties,
    on: () => undefined,
    write(chunk, callback) {
      text += chunk
      callback()
      return true
    },
    text: () => text,
  }
}

function writerTo({
  stdout = recorder(),
  stderr = recorder(),
  env = {},
  secrets = ['hunter2-long'],
}: {
  stdout?: StreamLike
  stderr?: StreamLike
  env?: Readonly<Record<string, string>>
  secrets?: readonly string[]
}): Writer {
  const redactor = createRedactor()
  redactor.add(secrets.map((secret) => new Secret(secret)))
  return createWriter({ stdout, stderr, redactor, env })
}

describe('text', () => {
  test('goes where it belongs, as it is', () => {
    const [stdout, stderr] = [recorder(), recorder()]
    const writer = writerTo({ stdout, stderr })
    writer.writeResult('✓ 001-initial\n')
    writer.writeProgress('Type its name: ')
    expect([stdout.text(), stderr.text()]).toEqual(['✓ 001-initial\n', 'Type its name: '])
  })

  test('holds no secret and no control sequence but colours', () => {
    const stdout = recorder()
    writerTo({ stdout }).writeResult('\u001b[31mhunter2-long\u001b[39m\u001b[2Jx%68unter2-long\u202e\n')
    expect(stdout.text()).toBe(`\u001b[31m***\u001b[39m${String.raw`\x1b[2Jx***\u202e`}\n`)
  })

  test.each([
    ['::error::x', String.raw`\::error::x`],
    ['  \t::set-output name=a::b', `  \t${String.raw`\::set-output name=a::b`}`],
    ['\u00a0::add-mask::x', `\u00a0${String.raw`\::add-mask::x`}`],
    ['\u001b[31m::stop-commands::x', `\u001b[31m${String.raw`\::stop-commands::x`}`],
    ['one\n::error::two', `one\n${String.raw`\::error::two`}`],
    ['##[error]x', String.raw`#\#[error]x`],
    ['in a line ##[set-env name=A]x', String.raw`in a line #\#[set-env name=A]x`],
    ['###[x]', String.raw`##\#[x]`],
    ['##VSO[task.setvariable]x', String.raw`#\#VSO[task.setvariable]x`],
  ])('%j is no command to a runner', (text, shown) => {
    for (const env of [GITHUB, { TF_BUILD: 'True' }]) {
      const [stdout, stderr] = [recorder(), recorder()]
      const writer = writerTo({ stdout, stderr, env })
      writer.writeResult(text)
      writer.writeProgress(text)
      expect([stdout.text(), stderr.text()]).toEqual([shown, shown])
    }
  })

  test.each(['::text', 'select 1::text', '# ## [x]'])('%j stays as it is where no runner reads', (text) => {
    const stdout = recorder()
    writerTo({ stdout }).writeResult(text)
    expect(stdout.text()).toBe(text)
  })
})

describe('JSON', () => {
  const written = (value: object, secrets?: readonly string[], env = {}): string => {
    const stdout = recorder()
    writerTo({ stdout, env, ...(secrets === undefined ? {} : { secrets }) }).writeJson(value)
    return stdout.text()
  }

  test('is one line that means what was given', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        const text = written(value)
        expect(text.indexOf('\n')).toBe(text.length - 1)
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)))
      }),
    )
  })

  test('stays valid, and equal apart from the secret, whatever the secret is', () => {
    // A password that is a word of ours stays readable, so that keys and codes do.
    const secrets = fc
      .string({ minLength: 6 })
      .filter((text) => text.trim().length >= 6 && !/[*]/u.test(text) && !isPublicWord(text))
    const letters = fc.string({ unit: fc.constantFrom(...'klm'), minLength: 1 })
    fc.assert(
      fc.property(secrets, letters, letters, (secret, before, after) => {
        const value = { kept: [1, null, true, before], [`${before}[${secret}]`]: { inner: `[${secret}]${after}` } }
        expect(JSON.parse(written(value, [secret]))).toEqual({
          kept: [1, null, true, before],
          [`${before}[***]`]: { inner: `[***]${after}` },
        })
      }),
    )
  })

  test('redacts what an object makes of itself, and takes a bigint as text', () => {
    const value = { url: new URL('https://hunter2-long.example'), when: new Date(0), secret: new Secret('x'), big: 12n }
    expect(JSON.parse(written(value))).toEqual({
      url: 'https://***.example/',
      when: '1970-01-01T00:00:00.000Z',
      secret: '***',
      big: '12',
    })
  })

  test('loses no entry when two keys become the same', () => {
    expect(JSON.parse(written({ 'first-key': 1, 'other-key': 2 }, ['first-key', 'other-key']))).toEqual({
      '***': 1,
      '****': 2,
    })
  })

  test('keeps its keys when a password is one of them', () => {
    const value = { environments: [{ name: 'dev', status: 'applied' }], durationMs: 1 }
    expect(JSON.parse(written(value, ['environments', 'name', 'status', 'applied', 'durationMs']))).toEqual(value)
  })

  test('holds no character that a terminal or a runner obeys', () => {
    const value = { text: '\u001b[2J\u009b\u007f\u202e\u200b\u2028\ud800 ##[error]x ##vso[x]' }
    const text = written(value, [], GITHUB)
    expect(text).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]|##/u)
    expect(JSON.parse(text)).toEqual(value)
  })
})

describe('a workflow command', () => {
  test('is escaped as the runner undoes it', () => {
    const [stdout, stderr] = [recorder(), recorder()]
    const place = { file: 'database/a,b:c%.sql', line: 12, col: 5, title: undefined }
    writerTo({ stdout, stderr, env: GITHUB }).writeCommand('error', place, '100%: one\r\ntwo, hunter2-long\r\u001b[m')
    expect(stderr.text()).toBe(
      `::error file=database/a%2Cb%3Ac%25.sql,line=12,col=5::100%25: one%0Atwo, ***${String.raw`\r\x1b[m`}\n`,
    )
    expect(stdout.text()).toBe('')
  })

  test('without properties has none', () => {
    const stderr = recorder()
    writerTo({ stderr, env: GITHUB }).writeCommand('notice', {}, 'done')
    expect(stderr.text()).toBe('::notice::done\n')
  })

  test('cannot be ended by a file name', () => {
    const stderr = recorder()
    writerTo({ stderr, env: GITHUB }).writeCommand('error', { file: 'x::y\n::set-env name=A::b' }, 'z')
    expect(stderr.text().match(/::/gu)).toHaveLength(2)
    expect(stderr.text().match(/\n/gu)).toHaveLength(1)
  })

  test('is not given outside GitHub Actions', () => {
    const stderr = recorder()
    writerTo({ stderr }).writeCommand('error', {}, 'x')
    expect(stderr.text()).toBe('')
  })
})

describe('the stream for the spinner', () => {
  test('looks like stderr', async () => {
    const stream = await writerTo({ stderr: recorder({ isTTY: true, columns: 72, rows: 20 }) }).asTerminal()
    expect(stream).toMatchObject({ isTTY: true, columns: 72, rows: 20, writable: true })
    expect((await writerTo({}).asTerminal()).isTTY).toBe(false)
  })

  test('does not know a width where stderr says 0', async () => {
    const stream = await writerTo({ stderr: recorder({ isTTY: true, columns: 0, rows: 0 }) }).asTerminal()
    expect([stream.columns, stream.rows]).toEqual([undefined, undefined])
  })

  test('lets cursor movements pass, in order with lines written beside it, and hides secrets', async () => {
    const stderr = recorder({ isTTY: true })
    const writer = writerTo({ stderr })
    const stream = await writer.asTerminal()
    stream.write('⠋ hunter2-long')
    stream.cursorTo(0)
    stream.clearLine(1)
    stream.moveCursor(0, -1)
    writer.writeProgress('line\n')
    stream.write('\u001b[?25h')
    expect(stderr.text()).toBe('⠋ ***\u001b[1G\u001b[0K\u001b[1Aline\n\u001b[?25h')
  })
})

describe('a reader that goes away', () => {
  const brokenPipe = (): Writable =>
    new Writable({
      write: (_chunk, _encoding, done) => done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })),
    })

  test('neither throws nor keeps the other stream from its text', async () => {
    const stderr = recorder()
    const writer = writerTo({ stdout: brokenPipe(), stderr })
    for (let line = 0; line < 3; line += 1) {
      writer.writeResult('line\n')
      await writer.flush()
    }
    writer.writeJson({ status: 'applied' })
    writer.writeProgress('still here\n')
    await writer.flush()
    expect(stderr.text()).toBe('still here\n')
  })

  test('may have gone before the first write', async () => {
    const stdout = brokenPipe()
    const writer = writerTo({ stdout })
    stdout.destroy(new Error('read ECONNRESET'))
    writer.writeResult('line\n')
    await expect(writer.flush()).resolves.toBeNull()
  })

  test.each([
    ['ENOSPC', 'ENOSPC'],
    ['EIO', null],
  ])('is told from a disk that is full: %s', async (code, lostBy) => {
    const stdout = new Writable({
      write: (_chunk, _encoding, done) => done(Object.assign(new Error('write failed'), { code })),
    })
    const writer = writerTo({ stdout })
    writer.writeResult('line\n')
    await expect(writer.flush()).resolves.toBe(lostBy)
  })

  test('may leave a stream that throws', async () => {
    const stdout: StreamLike = {
      on: () => undefined,
      write: () => {
        throw new Error('write after end')
      },
    }
    const writer = writerTo({ stdout })
    expect(() => writer.writeResult('line\n')).not.toThrow()
    await expect(writer.flush()).resolves.toBeNull()
  })

  test('ends the wait for what it never took', async () => {
    const listeners: (() => void)[] = []
    const writer = writerTo({ stderr: { write: () => false, on: (_event, listener) => listeners.push(listener) } })
    writer.writeProgress('never taken\n')
    const flushed = writer.flush()
    for (const listener of listeners) listener()
    await expect(flushed).resolves.toBeNull()
  })
})

test('flush waits until every write is with the operating system', async () => {
  const callbacks: (() => void)[] = []
  const stdout: StreamLike = { on: () => undefined, write: (_text, callback) => callbacks.push(callback) > 0 }
  const writer = writerTo({ stdout })
  writer.writeResult('one\n')
  writer.writeResult('two\n')
  let isFlushed = false
  const flushed = writer.flush().then(() => (isFlushed = true))
  callbacks[0]?.()
  await new Promise((resolve) => setImmediate(resolve))
  expect(isFlushed).toBe(false)
  callbacks[1]?.()
  await flushed
  expect(isFlushed).toBe(true)
})
