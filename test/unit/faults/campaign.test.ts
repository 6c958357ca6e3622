import { expect, test } from 'vitest'
import { readShare, takeShare, thinOut } from '../../faults/campaign.ts'

const ITEMS = Array.from({ length: 103 }, (_, index) => index)

test('the parts of a campaign have nothing in common, and together they are all of it', () => {
  const parts = Array.from({ length: 20 }, (_, index) => takeShare(ITEMS, { part: index + 1, of: 20 }))
  expect(parts.map((part) => part.length)).toEqual([6, 6, 6, ...Array.from({ length: 17 }, () => 5)])
  expect(parts.flat().toSorted((a, b) => a - b)).toEqual(ITEMS)
})

test('a case stays in its part when there are a few more or fewer at the end', () => {
  const share = { part: 3, of: 20 }
  expect(takeShare(ITEMS.slice(0, 90), share)).toEqual(takeShare(ITEMS, share).filter((item) => item < 90))
})

test.each([
  [undefined, { part: 1, of: 1 }],
  ['', { part: 1, of: 1 }],
  ['3/20', { part: 3, of: 20 }],
  ['20/20', { part: 20, of: 20 }],
])('%j is the part %o', (text, share) => {
  expect(readShare(text)).toEqual(share)
})

test.each(['0/20', '21/20', '3', '3/', '1/0', 'x'])('%j is no part', (text) => {
  expect(() => readShare(text)).toThrow(`FAULTS_PART: ${text} is no part`)
})

test('where each case is dear, as many as wanted are taken, evenly spread', () => {
  expect(thinOut(ITEMS, 10)).toEqual([0, 11, 21, 31, 42, 52, 62, 73, 83, 93])
  expect(thinOut(ITEMS, 103)).toBe(ITEMS)
})
