import { expect, test } from 'vitest'
import { findPieces } from '../../support/canary.ts'

const SECRET = `p@ss w0rd's/100%`

test.each([
  ['as it is', SECRET],
  ['in part', "x ss w0rd's x"],
  ['broken over two lines', "p@ss\n      w0rd's"],
  ['percent-encoded', encodeURIComponent(SECRET)],
  ['percent-encoded in lower case, in part', 'w0rd%27s%2f100%'],
  ['in base64', Buffer.from(SECRET).toString('base64')],
  ['in base64 behind one byte', Buffer.from(`:${SECRET}@`).toString('base64')],
  ['in base64 behind two bytes', Buffer.from(`u:${SECRET}@`).toString('base64url')],
  ['in JSON', JSON.stringify({ url: `x${SECRET}` })],
  ['in a shell', String.raw`'p@ss w0rd'\''s/100%'`],
])('a canary is found %s', (_, text) => {
  expect(findPieces(SECRET, `before ${text} after`, '')).not.toEqual([])
})

test.each([['p@ss w0 s/100%'], ['***'], ['the password is wrong'], ['']])('%j is no canary', (text) => {
  expect(findPieces(SECRET, text, '')).toEqual([])
})

test('what is said with another secret as well is excused', () => {
  expect(findPieces('password', 'the password is wrong', 'the password is wrong')).toEqual([])
  expect(findPieces('password', 'the password is wrong', 'wrong')).not.toEqual([])
})
