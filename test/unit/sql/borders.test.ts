import * as fc from 'fast-check'
import { parse, scan } from 'libpg-query'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { splitStatements } from '../../../src/sql/statements.ts'
import { snippets } from './snippets.ts'

function split(sql: string): readonly string[] {
  return splitStatements(sql).statements.map(({ start, end }) => sql.slice(start, end))
}

/**
 * The statements as PostgreSQL's own parser finds them. It counts in UTF-8 bytes and takes in the white space and
 * comments before the `;`; its scanner tells where the last token ends. It is not the server in one thing: it hands out
 * comments as tokens, so for it a string is not continued behind one (`E'a' -- c`, and `'b\''` on the next line).
 */
async function splitByParser(sql: string): Promise<readonly string[]> {
  const bytes = Buffer.from(sql)
  const ends = (await scan(sql)).tokens.flatMap((token) => (token.tokenName.endsWith('_COMMENT') ? [] : [token.end]))
  const { stmts } = await parse(sql)
  return (stmts ?? []).map(({ stmt_location: start = 0, stmt_len: length }) => {
    const limit = length === undefined ? bytes.length : start + length
    const end = ends.findLast((tokenEnd) => tokenEnd <= limit)
    return bytes.subarray(start, end).toString()
  })
}

const FOLDERS = ['database', 'examples', 'test/fixtures']

/** Fixtures may hold files that are broken on purpose, and files for other engines: those the parser refuses. */
async function findSqlFiles(): Promise<readonly string[]> {
  const files = FOLDERS.filter((folder) => existsSync(folder)).flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.sql') && !file.includes('node_modules'))
      .map((file) => join(folder, file)),
  )
  const isAccepted = await Promise.all(
    files.map((file) =>
      parse(readFileSync(file, 'utf8')).then(
        () => true,
        () => false,
      ),
    ),
  )
  return files.filter((_, index) => isAccepted[index])
}

const files = await findSqlFiles()

describe("the borders agree with PostgreSQL's own parser", () => {
  it.each(snippets)('on %j', async (sql) => {
    expect(split(sql)).toEqual(await splitByParser(sql))
  })

  it('on all of them in one script', async () => {
    const sql = snippets.join('\n;\n')
    expect(split(sql)).toEqual(await splitByParser(sql))
  })

  it.runIf(files.length > 0).each(files)('on %s', async (file) => {
    const sql = readFileSync(file, 'utf8')
    expect(split(sql)).toEqual(await splitByParser(sql))
  })
})

/** Text made of what opens, closes and hides things. */
const noise = fc
  .array(fc.constantFrom(';', "'", '"', '$$', '$a$', '--', '/*', '*/', '\\', '\n', 'é', '🐘', '(', ')', 'end', ' '))
  .map((parts) => parts.join(''))

const block = fc.letrec<{ comment: string; block: string }>((tie) => ({
  block: tie('comment').map((inner) => `/*${inner}*/`),
  comment: fc.oneof({ depthSize: 'small' }, noise.map(withoutCommentMarks), tie('block')),
})).block

function withoutCommentMarks(text: string): string {
  return text.replaceAll(/[/*]/g, '.')
}

const quoted = fc.oneof(
  noise.map((text) => `'${text.replaceAll("'", "''")}'`),
  // The operator keeps a string behind it from continuing this one.
  noise.map((text) => `E'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}' ||`),
  noise.map((text) => `"x${text.replaceAll('"', '""')}"`),
  noise.map((text) => `$t_1$${text}$t_1$`),
  noise.map((text) => `$$${text.replaceAll('$', '.')}$$`),
)

const gap = fc.oneof(
  fc.constantFrom(' ', '\n', '\t\r\n'),
  block,
  noise.map((text) => `--${text.replaceAll('\n', ' ')}\n`),
)

const word = fc.constantFrom('select', 'a$b$c', '$1', '1.5', 'größe', '@', 'begin', 'end', 'case', 'copy', 'atomic')

const pieces = (piece: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.array(fc.tuple(gap, piece), { maxLength: 5 }).map((all) => all.flat().join(''))

const statement = fc.oneof(
  fc.tuple(word, pieces(fc.oneof(word, quoted))).map((parts) => parts.join('')),
  fc.tuple(pieces(quoted), gap, pieces(word)).map(([a, between, b]) => `create rule r (${a};${between}${b} )`),
  fc
    .tuple(gap, fc.array(pieces(fc.oneof(quoted, fc.constantFrom('1', 'case', 'as end')))))
    .map(
      ([between, body]) =>
        `create function f() begin${between}atomic ${body.map((one) => `select ${one};`).join('')} end`,
    ),
)

describe('random statements', () => {
  it('come back as they were put together', () => {
    const script = fc.array(fc.tuple(gap, statement, gap))
    fc.assert(
      fc.property(script, fc.constantFrom('', ';'), (parts, lastMark) => {
        const sql = parts.map(([before, text, after]) => `${before}${text}${after}`).join(';') + lastMark
        const result = splitStatements(sql)
        expect(result.statements.map(({ start, end }) => sql.slice(start, end))).toEqual(parts.map(([, text]) => text))
        expect(result.problems).toEqual([])
      }),
      { numRuns: 500 },
    )
  })

  it('are apart and in order, whatever the text is', () => {
    fc.assert(
      fc.property(fc.oneof(noise, fc.string({ unit: 'grapheme' })), (sql) => {
        let last = 0
        for (const { start, end } of splitStatements(sql).statements) {
          expect(start).toBeGreaterThanOrEqual(last)
          expect(end).toBeGreaterThan(start)
          last = end
        }
        expect(last).toBeLessThanOrEqual(sql.length)
      }),
      { numRuns: 500 },
    )
  })
})
