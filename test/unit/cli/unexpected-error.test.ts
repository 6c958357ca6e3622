import { createRequire } from 'node:module'
import { describe, expect, test } from 'vitest'
import { describeUnexpected } from '../../../src/cli/output/unexpected-error.ts'

function syntaxErrorOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    return error
  }
}

function failureOf(load: () => unknown): unknown {
  try {
    return load()
  } catch (error) {
    return error
  }
}

const require = createRequire(import.meta.url)

describe('describeUnexpected', () => {
  test.each([
    ['required', 'no-such-package', failureOf(() => require('no-such-package'))],
    ['required by a path in it', '@no-such/package', failureOf(() => require('@no-such/package/some/file.js'))],
    ['resolved as a module', 'no-such-package', failureOf(() => import.meta.resolve('no-such-package'))],
    [
      'imported',
      'yargs',
      Object.assign(new Error("Cannot find package 'yargs' imported from /srv/app/dist/cli/bundle/parser.cjs"), {
        code: 'ERR_MODULE_NOT_FOUND',
      }),
    ],
  ])('of a package that is not installed, as it is %s, names it and says how to get it', (_, name, error) => {
    expect(describeUnexpected(error, true)).toEqual({
      code: 'install/missing-package',
      message: `The npm package ${name} is not installed. migration-manager does not work without it.`,
      hint: expect.stringContaining('npm install'),
    })
  })

  test.each(['./no-such-file.js', '/no/such/file.js', 'node:no-such-module'])(
    'does not take %s for a package',
    (path) => {
      expect(describeUnexpected(failureOf(() => require(path)))).toMatchObject({ code: 'internal/unexpected' })
    },
  )

  test('tells the class, the system code and the message', () => {
    const error = Object.assign(new TypeError('connect failed'), { code: 'ECONNREFUSED' })
    expect(describeUnexpected(error)).toMatchObject({
      code: 'internal/unexpected',
      message: 'TypeError: ECONNREFUSED: connect failed',
    })
  })

  test('tells no other property, with the stack or without', () => {
    const secret = 'hunter2-long'
    const error = Object.assign(new Error('it broke', { cause: new Error(secret) }), {
      input: secret,
      query: secret,
      parameters: [secret],
      args: [secret],
      code: `not a code ${secret}`,
    })
    for (const isVerbose of [false, true]) {
      expect(JSON.stringify(describeUnexpected(error, isVerbose))).not.toContain(secret)
    }
  })

  test.each(['hunter2-long', '{"a": hunter2-long}', '{"password":"hunter2', `${'x'.repeat(50)}hunter2`])(
    'of JSON that is none, as %s, does not quote the text',
    (text) => {
      const { message } = describeUnexpected(syntaxErrorOf(text))
      expect(message).toContain('SyntaxError')
      expect(message).not.toMatch(/hunt|xxx/u)
    },
  )

  test('gives the frames of the stack only when asked', () => {
    const error = new Error('line one\n    at a lie (of two lines)')
    expect(describeUnexpected(error)).not.toHaveProperty('stack')
    const { stack } = describeUnexpected(error, true)
    expect(stack).toContain('unexpected-error.test.ts')
    expect(stack).not.toContain('line one')
  })

  test('makes control sequences visible', () => {
    expect(describeUnexpected(new Error('\u001b[2Jgone')).message).toBe(String.raw`Error: \x1b[2Jgone`)
    expect(describeUnexpected('\u001b[2Jgone').message).toBe(String.raw`\x1b[2Jgone`)
  })

  test.each([
    ['nothing', undefined],
    ['null', null],
    ['an object that is no error', { message: 'hunter2-long', input: 'hunter2-long' }],
    ['a function', () => 'hunter2-long'],
    [
      'a proxy that throws',
      new Proxy(new Error('x'), {
        getPrototypeOf: () => {
          throw new Error('hunter2-long')
        },
      }),
    ],
  ])('says of %s only that it was thrown', (_, cause) => {
    expect(describeUnexpected(cause, true)).toMatchObject({ message: 'Something that is no error was thrown.' })
  })

  test('survives getters that throw', () => {
    const error = new Error('x')
    Object.defineProperty(error, 'message', {
      get: () => {
        throw new Error('hunter2-long')
      },
    })
    expect(describeUnexpected(error).message).toBe('Error')
  })
})
