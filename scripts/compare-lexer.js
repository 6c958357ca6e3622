// Compares where the lexer ends statements with where PostgreSQL's own parser and scanner (libpg-query) do, on every
// SQL file of a folder. Usage: npm run build, then node scripts/compare-lexer.js <folder>…
//
// Made for PostgreSQL's regression files, which hold psql commands, COPY data and statements that are wrong on purpose.
// What the lexer calls a psql command or COPY data is taken out first: such a file is refused as a migration, but the
// rest of it has borders all the same. A file that the parser takes is compared as a whole. Of another one
// - every statement that the parser takes alone must be one statement,
// - one that it does not take must not become one together with those behind it,
// - the scanner's semicolons must stand where ours do.
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { parse, scan } from 'libpg-query'
import { splitStatements } from '../dist/sql/statements.js'

/** How many statements behind one that is no statement alone may belong to it. */
const LOOK_AHEAD = 6

/** Problems that are no defect of the text: psql understands it, and the tool says so. */
const PSQL_ONLY = new Set(['sql/meta-command', 'sql/copy-data'])

const folders = process.argv.slice(2)
if (folders.length === 0) {
  console.error('Usage: node scripts/compare-lexer.js <folder>…')
  process.exit(2)
}

const counts = {
  files: 0,
  wholes: 0,
  statements: 0,
  taken: 0,
  notTaken: 0,
  interrupted: 0,
  semicolons: 0,
  unscannable: 0,
}
const problems = new Map()
const differences = []

for (const file of folders.flatMap(findFiles)) {
  counts.files++
  // Some files of the stock are in other encodings on purpose, and are read as UTF-8 by nobody.
  await compare(file, readFileSync(file, 'utf8').replaceAll('\0', ''))
}

console.log(`files                                        ${counts.files}`)
console.log(`  taken by the parser and compared as a whole ${counts.wholes}`)
console.log(`statements                                   ${counts.statements}`)
console.log(`  one statement for the parser, too          ${counts.taken}`)
console.log(`  not taken by the parser, alone or with more ${counts.notTaken}`)
console.log(`  with a psql command in their middle         ${counts.interrupted}`)
console.log(`semicolons compared with the scanner          ${counts.semicolons}`)
console.log(`files that the scanner does not take          ${counts.unscannable}`)
for (const [code, count] of [...problems].toSorted((a, b) => b[1] - a[1])) console.log(`refused: ${code}  ${count}`)
console.log(`differences                                  ${differences.length}`)
for (const difference of differences) console.log(`\n${difference}`)
process.exit(differences.length === 0 ? 0 : 1)

function findFiles(folder) {
  if (statSync(folder).isFile()) return [folder]
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.sql'))
    .map((name) => join(folder, name))
    .toSorted()
}

async function compare(file, text) {
  const found = splitStatements(text)
  for (const { code } of found.problems) problems.set(code, (problems.get(code) ?? 0) + 1)
  const sql = takeOut(text, found)
  // At the same offsets as before: nothing was moved.
  const ours = found.statements.map(({ start, end }) => sql.slice(start, end))
  // Refused, and rightly so if the parser says the same.
  const isRefused = found.problems.some(({ code }) => !PSQL_ONLY.has(code))
  counts.statements += ours.length
  const theirs = await splitByParser(sql)
  if (theirs !== null) {
    counts.wholes++
    counts.taken += ours.length
    if (isRefused) tell(file, `refused (${found.problems.map(({ code }) => code).join(', ')}), and the parser takes it`)
    else if (JSON.stringify(ours) !== JSON.stringify(theirs)) tell(file, firstDifference(ours, theirs))
    return
  }
  await compareSemicolons(file, sql, found)
  for (const [index, statement] of ours.entries()) {
    const count = await countStatements(statement)
    if (count === 1) counts.taken++
    else if (count !== null) tell(file, `${count} statements for the parser: ${statement.slice(0, 200)}`)
    else if (isInterrupted(found, index)) counts.interrupted++
    else if (!isRefused && (await joins(ours.slice(index)))) tell(file, `cut in two: ${statement.slice(0, 200)}`)
    else counts.notTaken++
  }
}

/** psql commands become a `;`, as they end what is before them; data becomes white space. */
function takeOut(text, { statements, problems: all }) {
  let result = text
  const blank = (start, end, first) => {
    const hidden = result.slice(start, end).replaceAll(/[^\n]/g, ' ')
    result = result.slice(0, start) + first + hidden.slice(first.length) + result.slice(end)
  }
  for (const { code, offset } of all) {
    if (code === 'sql/meta-command') {
      const lineEnd = text.slice(offset).search(/[\r\n]|$/) + offset
      const isCopy = /^\\copy\s.*\sfrom\s+p?stdin\b/i.test(text.slice(offset, lineEnd))
      blank(offset, isCopy ? dataEnd(text, lineEnd) : lineEnd, ';')
    } else if (code === 'sql/copy-data') {
      const end = statements.find(({ start }) => start === offset)?.end ?? offset
      const data = text.indexOf('\n', end)
      // The same problem is found in COPY … TO STDOUT, which has no data.
      if (data >= 0 && /\bfrom\s+stdin\b/i.test(text.slice(offset, end))) blank(data, dataEnd(text, data), '')
    }
  }
  return result
}

function dataEnd(text, from) {
  const mark = /\n\\\.(?=\r?\n|$)/.exec(text.slice(from))
  return mark === null ? text.length : from + mark.index + mark[0].length
}

/** Null when the parser does not take it. */
async function splitByParser(sql) {
  try {
    const bytes = Buffer.from(sql)
    const { stmts = [] } = await parse(sql)
    const ends = (await scan(sql)).tokens.flatMap((token) => (token.tokenName.endsWith('_COMMENT') ? [] : [token.end]))
    let at = 0
    return stmts.map(({ stmt_location: start = 0, stmt_len: length }) => {
      const limit = length === undefined ? bytes.length : start + length
      while (at + 1 < ends.length && ends[at + 1] <= limit) at++
      return bytes.subarray(start, ends[at]).toString()
    })
  } catch {
    return null
  }
}

async function countStatements(sql) {
  try {
    return ((await parse(sql)).stmts ?? []).length
  } catch {
    return null
  }
}

/** Whether a psql command stands between this statement and the next one: psql reads on behind it, a migration is refused. */
function isInterrupted({ statements, problems: all }, index) {
  const end = statements[index].end
  const next = statements[index + 1]?.start ?? Number.POSITIVE_INFINITY
  return all.some(({ code, offset }) => code === 'sql/meta-command' && offset >= end && offset < next)
}

/** Whether the first of the statements, which is none alone, is one together with some behind it. */
async function joins(statements) {
  for (let count = 2; count <= Math.min(LOOK_AHEAD, statements.length); count++) {
    if ((await countStatements(statements.slice(0, count).join(';'))) === 1) return true
  }
  return false
}

/** Every semicolon of ours must be one for the scanner, whatever the parser says of what is between. */
async function compareSemicolons(file, sql, { statements }) {
  let tokens
  try {
    ;({ tokens } = await scan(sql))
  } catch {
    counts.unscannable++
    return
  }
  const bytes = Buffer.from(sql)
  const semicolons = new Set(tokens.filter(({ text }) => text === ';').map(({ start }) => start))
  for (const { end } of statements) {
    const rest = sql.slice(end)
    const gap = /^(?:\s|--[^\r\n]*|\/\*[^]*?\*\/)*/.exec(rest)?.[0].length ?? 0
    if (rest[gap] !== ';') continue
    const at = Buffer.byteLength(sql.slice(0, end + gap))
    if (bytes[at] !== 0x3b) continue
    counts.semicolons++
    if (!semicolons.has(at))
      tell(file, `no semicolon for the scanner: ${sql.slice(Math.max(0, end - 100), end + gap + 1)}`)
  }
}

function firstDifference(ours, theirs) {
  const index = ours.findIndex((statement, at) => statement !== theirs[at])
  const at = index < 0 ? ours.length : index
  return `statement ${at + 1}:\n  ours:   ${ours[at]?.slice(0, 300) ?? '(none)'}\n  theirs: ${theirs[at]?.slice(0, 300) ?? '(none)'}`
}

function tell(file, what) {
  differences.push(`${file}: ${what}`)
}
