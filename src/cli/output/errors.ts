import { ProblemsError, problemsOf } from '../../core/errors.ts'
import type { MigrationManagerError, Problem } from '../../core/errors.ts'
import { databaseOf, likenessOfError } from '../../core/few.ts'
import { tellFew } from './fleet.ts'
import { wrap } from './page.ts'
import type { Page } from './page.ts'
import { sanitize } from './sanitizer.ts'
import { renderSource } from './source.ts'

/** An error as a paragraph: what happened, where in which file, and what to do next. */
export function renderError(error: MigrationManagerError, page: Page): string {
  return problemsOf(error)
    .map((problem) => renderParagraph(problem, page))
    .join('\n\n')
}

/** Errors as paragraphs; of those that many databases of a fleet share, a few. */
export function renderErrors(errors: readonly MigrationManagerError[], page: Page): readonly string[] {
  const remarks = errors.map((error) => ({
    ...likenessOfError(error),
    text: renderError(error, page),
  }))
  return tellFew(remarks, page)
}

function renderParagraph(error: Problem, page: Page): string {
  const code = [error.code, error.engineCode, databaseOf(error)].filter((part) => part !== undefined).join(' ')
  const lines = [
    `${page.paint('bad', 'error')} ${page.paint('dim', code)}`,
    `  ${wrap(sanitize(page.redact(error.message), { multiline: true }), page.width, '  ')}`,
  ]
  if (error.at !== undefined) lines.push(renderSource(error.at, error.sourceLine, page))
  if (error.hint !== undefined)
    lines.push(
      `  ${page.paint('note', '→')} ${wrap(sanitize(page.redact(error.hint), { multiline: true }), page.width, '    ')}`,
    )
  return lines.join('\n')
}

/** The stable JSON form of an error. */
export function errorJson(error: MigrationManagerError): Readonly<Record<string, unknown>> {
  const problems = error instanceof ProblemsError ? error.problems : []
  return {
    code: error.code,
    message: error.message,
    hint: error.hint ?? null,
    ...(problems.length > 1
      ? { problems: problems.map(({ code, message, hint }) => ({ code, message, hint: hint ?? null })) }
      : {}),
  }
}
