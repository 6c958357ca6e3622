import { expect, test } from 'vitest'
import { createTurns } from '../../../src/runner/turns.ts'

/** Works that end when they are told to. */
function createWorks(): {
  readonly under: string[]
  readonly work: (name: string) => () => Promise<string>
  readonly end: (name: string) => void
} {
  const under: string[] = []
  const ends = new Map<string, () => void>()
  return {
    under,
    work: (name) => async () => {
      under.push(name)
      await new Promise<void>((resolve) => ends.set(name, resolve))
      under.splice(under.indexOf(name), 1)
      return name
    },
    end: (name) => ends.get(name)?.(),
  }
}

test('no more than so many of a kind are under way, and who waits longest goes first', async () => {
  const takeTurn = createTurns(2)
  const { under, work, end } = createWorks()
  const results = ['a', 'b', 'c', 'd'].map((name) => takeTurn('one server', work(name)))
  await settled()
  expect(under).toEqual(['a', 'b'])

  end('b')
  await results[1]
  await settled()
  expect(under).toEqual(['a', 'c'])

  for (const name of ['a', 'c']) end(name)
  await settled()
  end('d')
  expect(await Promise.all(results)).toEqual(['a', 'b', 'c', 'd'])
})

test('kinds do not wait for each other', async () => {
  const takeTurn = createTurns(1)
  const { under, work } = createWorks()
  void takeTurn('one server', work('a'))
  void takeTurn('another', work('b'))
  await settled()

  expect(under).toEqual(['a', 'b'])
})

test('a work that fails gives its turn on', async () => {
  const takeTurn = createTurns(1)
  const failing = takeTurn('server', () => Promise.reject(new Error('failed')))
  const next = takeTurn('server', async () => 'done')

  await expect(failing).rejects.toThrow('failed')
  expect(await next).toBe('done')
})

/** All that can go on without anything else happening has gone on. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
