import { likenessOfFinding } from '../../core/few.ts'
import { isBlocking } from '../../core/finding.ts'
import type { Finding } from '../../core/finding.ts'
import { groupBy } from '../../core/grouping.ts'
import { tellFew } from './fleet.ts'
import type { Remark } from './fleet.ts'
import { sanitize } from './sanitizer.ts'
import { renderSource } from './source.ts'
import { wrap } from './page.ts'
import type { Page } from './page.ts'

const LABELS = { block: ['bad', 'blocked'], warn: ['warn', 'warning'], info: ['note', 'note'] } as const

/** Of findings of one kind in one environment, so many are told. */
const MOST_OF_A_KIND = 10

/** Findings as paragraphs: what is so, where, and the way out; those that block come last, where the eye is. */
export function renderFindings(findings: readonly Finding[], page: Page): string {
  const sorted = findings.toSorted((a, b) => Number(isBlocking(a)) - Number(isBlocking(b)))
  const remarks = groupBy(sorted, ({ environment, severity, code }) => `${environment} ${severity} ${code}`).flatMap(
    (group): readonly Remark[] => {
      const shown = page.all ? group : group.slice(0, MOST_OF_A_KIND)
      const told = shown.map((finding) => ({
        ...likenessOfFinding(finding),
        text: renderFinding(finding, page),
      }))
      return shown.length === group.length ? told : [...told, tellRest(group[0], group.length - shown.length, page)]
    },
  )
  return tellFew(remarks, page).join('\n\n')
}

function tellRest({ environment, code }: Finding, rest: number, page: Page): Remark {
  const where = environment === undefined ? '' : ` in ${environment}`
  const text = page.paint('dim', `… and ${rest} more: ${code}${where} (--all shows them)`)
  return { environment, kind: `rest ${code} ${rest}`, text }
}

/** What is said instead of an outcome when a history was no longer the one that the change was made for. */
export function renderStale(environment: string, page: Page): string {
  return `${page.paint('bad', 'blocked')}  The history of ${environment} was changed by somebody else meanwhile. Nothing was written; look at status and run again.`
}

function renderFinding({ severity, code, message, hint, at, sourceLine }: Finding, page: Page): string {
  const [style, label] = LABELS[severity]
  const lines = [
    `${page.paint(style, label)} ${page.paint('dim', code)}`,
    `  ${wrap(sanitize(page.redact(message), { multiline: true }), page.width, '  ')}`,
  ]
  if (at !== undefined) lines.push(renderSource(at, sourceLine, page))
  if (hint !== undefined)
    lines.push(
      `  ${page.paint('note', '→')} ${wrap(sanitize(page.redact(hint), { multiline: true }), page.width, '    ')}`,
    )
  return lines.join('\n')
}
