import { quoted } from './shell.ts'
import type { SqlSource } from './sql-source.ts'

/** What to say where a rollback has stopped behind `done` of its steps, and these are not what the file has now. */
export function describeEditedRollback(
  migration: string,
  file: string,
  environment: string,
  done: number,
): { readonly code: 'rollback/edited'; readonly message: string; readonly hint: string } {
  const steps = done === 1 ? 'step 1 of it was' : `steps 1 to ${done} of it were`
  return {
    code: 'rollback/edited',
    message: `${file} is not what it was when ${steps} carried out in ${environment}.`,
    hint: `Put back what stood there up to step ${done} (git log -- ${quoted(file)}) and run rollback again; what comes behind it may be mended. Or set ${environment} right by hand, then: migration-manager repair finish ${quoted(migration)} --env ${environment} --reason "…" if all of the migration is there again, repair abandon if nothing is.`,
  }
}

/** The line that begins a rollback block, and nothing else in it: `-- Rollback`, `-- Rollback instructions (comment):`, `-- Down`. */
const HEADING =
  /^[ \t]*--[ \t]*(?:rollback|down)(?:[ \t]+(?:instructions|sql|script|statements|steps|migration|block))?(?:[ \t]*\([^)]*\))?[ \t]*:?[ \t]*$/i

const MAY_HOLD_HEADING = /--[ \t]*(?:rollback|down)/i

const COMMENT_MARK = /^[ \t]*--[ \t]?/

/** `-- verify: SELECT …`, or `-- verify:` above a block of queries. */
const VERIFY = /^[ \t]*--[ \t]*verify:/i

/** What makes a line a comment, and what stands behind it; null for a line that is none. */
export function splitComment(line: string): { readonly mark: string; readonly content: string } | null {
  const [mark] = COMMENT_MARK.exec(line) ?? []
  return mark === undefined ? null : { mark, content: line.slice(mark.length) }
}

/** Whether a line begins a rollback block. */
export function isRollbackHeading(line: string): boolean {
  return HEADING.test(line)
}

/** Whether a line is a verify query, or begins a block of them; it ends a rollback block. */
export function isVerifyLine(line: string): boolean {
  return VERIFY.test(line)
}

/**
 * Finds the comment block that takes a migration back: it begins with a heading such as `-- Rollback:` and goes on while
 * lines begin with `--`, up to a verify line. The SQL is what remains without the comment marks, line for line. Of several blocks the last
 * one counts; null when there is none, or nothing in it.
 */
export function findRollbackBlock(text: string, file: string): SqlSource | null {
  // Most files have none, and need not be taken apart for it.
  if (!MAY_HOLD_HEADING.test(text)) return null
  const lines = text.split('\n')
  const heading = lines.findLastIndex(isRollbackHeading)
  if (heading < 0) return null
  const body: string[] = []
  const marks: string[] = []
  for (const line of lines.slice(heading + 1)) {
    const comment = splitComment(line)
    if (comment === null || isVerifyLine(line)) break
    body.push(comment.content)
    marks.push(comment.mark)
  }
  const sql = body.join('\n')
  return sql.trim() === '' ? null : { sql, file, firstLine: heading + 2, marks }
}
