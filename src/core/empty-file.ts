import type { Finding } from './finding.ts'
import type { Column } from './matrix.ts'

/**
 * What is said of empty files, now that all histories are known: one that an environment has run can be filled in no more,
 * and a new environment may follow it.
 */
export function followEmptyFiles(findings: readonly Finding[], columns: readonly Column[]): readonly Finding[] {
  const empty = new Set(findings.filter(isEmptyFile).map(({ migration }) => migration))
  if (empty.size === 0) return findings
  const holders = new Map<string, string>()
  for (const { environment, history } of columns) {
    for (const { name } of history ?? []) if (empty.has(name) && !holders.has(name)) holders.set(name, environment.name)
  }
  return findings.map((finding) => {
    const holder = holders.get(finding.migration ?? '')
    if (!isEmptyFile(finding) || holder === undefined) return finding
    return { ...finding, severity: 'warn', hint: `${holder} has run it like this, so it stays as it is.` }
  })
}

function isEmptyFile({ code }: Finding): boolean {
  return code === 'sql/empty'
}
