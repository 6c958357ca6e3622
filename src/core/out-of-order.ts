import type { Finding } from './finding.ts'
import type { Column } from './matrix.ts'
import { IF_ORDER_IS_FREE } from './plan.ts'

/**
 * Sets right the advice about what is out of order in one history, now that others are known: a file that another
 * environment holds must keep its name, or it would be missing there and run a second time.
 */
export function keepNamesThatRan(findings: readonly Finding[], columns: readonly Column[]): readonly Finding[] {
  const late = new Set(findings.filter(isOutOfOrder).map(({ migration }) => migration))
  if (late.size === 0) return findings
  const dirOf = new Map(columns.map(({ environment }) => [environment.name, environment.migrationsDir]))
  const holders = new Map<string, string>()
  for (const { environment, history } of columns) {
    for (const { name } of history ?? []) {
      const key = keyOf(environment.migrationsDir, name)
      if (late.has(name) && !holders.has(key)) holders.set(key, environment.name)
    }
  }
  return findings.map((finding) => {
    const holder = holders.get(keyOf(dirOf.get(finding.environment ?? ''), finding.migration))
    if (!isOutOfOrder(finding) || holder === undefined) return finding
    return { ...finding, hint: `${holder} holds it under this name, so it must keep it. ${IF_ORDER_IS_FREE}` }
  })
}

function isOutOfOrder({ code }: Finding): boolean {
  return code === 'history/out-of-order'
}

/** A name means one migration in one folder. */
function keyOf(dir: string | undefined, migration: string | undefined): string {
  return JSON.stringify([dir, migration])
}
