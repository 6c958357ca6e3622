import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { base64FormsOf, base64HeadsOf } from '../../../src/cli/output/base64-forms.ts'
import { createRedactor } from '../../../src/cli/output/redactor.ts'
import { addText, createTree, step } from '../../../src/cli/output/secret-tree.ts'
import type { Node } from '../../../src/cli/output/secret-tree.ts'
import { Secret } from '../../../src/core/secret.ts'

function sizeOf(node: Node): number {
  return [...(node.next?.values() ?? [])].reduce((size, child) => size + sizeOf(child), 1)
}

test('texts that no search comes across are never spread out', () => {
  const root = createTree()
  for (let at = 0; at < 1_000; at += 1) addText(root, `secret-${at}-${'x'.repeat(100)}`)
  expect(step(root, 'a'.charCodeAt(0))).toBeUndefined()
  expect(sizeOf(root)).toBe(2)
})

test('a base64 form begins with its head, whatever the secret and the alphabet', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 4, unit: 'binary' }), fc.constantFrom(0, 1, 2), (secret, offset) => {
      const bytes = Buffer.concat([Buffer.alloc(offset), Buffer.from(secret)])
      const first = Math.ceil((offset * 8) / 6)
      const heads = base64HeadsOf(secret).filter((head) => head.written === secret && head.offset === offset)
      const forms = heads.flatMap(base64FormsOf).map(({ text }) => text)
      for (const encoding of ['base64', 'base64url'] as const) {
        const text = bytes.toString(encoding).slice(first, Math.floor((bytes.length * 8) / 6))
        expect(forms).toContain(text)
      }
    }),
  )
})

test('a secret is hidden all the same, whenever it was added and whatever was searched before', () => {
  const secrets = fc.uniqueArray(fc.string({ minLength: 4, maxLength: 8, unit: fc.constantFrom('x', 'y', 'z', '-') }), {
    minLength: 1,
    maxLength: 6,
  })
  const texts = fc.array(fc.string({ maxLength: 40, unit: fc.constantFrom('x', 'y', 'z', '-', 'eHh4', '\n') }), {
    maxLength: 6,
  })
  fc.assert(
    fc.property(secrets, texts, (values, between) => {
      const early = createRedactor()
      const late = createRedactor()
      early.add(values.map((value) => new Secret(value)))
      for (const [at, value] of values.entries()) {
        late.redact(between[at] ?? '')
        late.add([new Secret(value)])
      }
      for (const text of [...between, ...values, ...values.map((value) => Buffer.from(value).toString('base64'))]) {
        expect(late.redact(text)).toBe(early.redact(text))
      }
    }),
  )
})
