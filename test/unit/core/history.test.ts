import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { compareNames, digestHistory, findHalfway, stepOf } from '../../../src/core/history.ts'
import { rowOf } from './samples.ts'

function sha256(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex')
}

test('a row tells which way it was going and how far it has come', () => {
  for (const kind of ['apply', 'revert'] as const) {
    for (const done of [0, 1, 7]) {
      expect(findHalfway({ status: 'started', step: stepOf({ kind, done }) })).toEqual({ kind, done })
    }
  }
  expect(findHalfway({ status: 'started', step: null })).toBeNull()
  expect(findHalfway({ status: 'applied', step: 3 })).toBeNull()
})

test('the digest of an empty history is that of no bytes', () => {
  expect(digestHistory([])).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
})

test('the digest is taken over one line a row, by the bytes of the names', () => {
  // UTF-16 puts the emoji (surrogates) before U+FF21, UTF-8 behind it.
  const names = ['001-🎉', '001-Ａ', '001-a', '0010', '001-B']
  const rows = names.map((name) => rowOf(name, { checksum: `sha256:${name.length}` }))

  expect(digestHistory(rows)).toBe(
    sha256(
      [
        '001-B:sha256:5:applied',
        '001-a:sha256:5:applied',
        '001-Ａ:sha256:5:applied',
        '001-🎉:sha256:6:applied',
        '0010:sha256:4:applied',
      ].join('\n'),
    ),
  )
})

test.each([
  ['a name', { name: '002-b' }],
  ['a checksum', { checksum: 'sha256:other' }],
  ['a state', { status: 'started' }],
] as const)('%s makes another digest', (_, change) => {
  expect(digestHistory([rowOf('001-a', change)])).not.toBe(digestHistory([rowOf('001-a')]))
})

test('who, when and how long make no other digest', () => {
  const change = {
    appliedAt: null,
    durationMs: null,
    appliedBy: 'other',
    runId: 'b9d3f6b0-0000-4000-8000-000000000000',
  }

  expect(digestHistory([rowOf('001-a', change)])).toBe(digestHistory([rowOf('001-a')]))
})

test('names sort as their files would run, those without digits first', () => {
  const names = ['10-a', '2-b', '0002-a', 'zebra', 'Apple', '9-z']

  expect(names.toSorted(compareNames)).toEqual(['Apple', 'zebra', '0002-a', '2-b', '9-z', '10-a'])
})
