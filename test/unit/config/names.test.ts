import { expect, test } from 'vitest'
import { foldName, namesIn, nearestName, urlVariableOf } from '../../../src/config/names.ts'

test.each([
  ['prdo', 'prod'],
  ['PROD', 'prod'],
  ['stagin', 'staging'],
  ['stgaing', 'staging'],
  ['prod_eu', undefined],
  ['x', undefined],
  ['qa', undefined],
])('the name nearest to %s is %s', (word, nearest) => {
  expect(nearestName(word, ['dev', 'staging', 'prod'])).toBe(nearest)
})

test('a name has one spelling', () => {
  expect(foldName(' EU-Prod ')).toBe('eu_prod')
  expect(namesIn('dev,, EU-Prod ,')).toEqual(['dev', 'eu_prod'])
  expect(['dev', 'eu_prod'].map(urlVariableOf)).toEqual(['DATABASE_URL', 'EU_PROD_DATABASE_URL'])
})
