import type { PlanReport, TargetPlan } from '../../commands/plan.ts'
import { ownerOf } from '../../core/environment.ts'
import { groupBy } from '../../core/grouping.ts'
import { isFresh } from '../../core/lost-tables.ts'
import { sourceOf } from '../../core/plan.ts'
import { count } from './page.ts'
import type { Page } from './page.ts'

/** What would be done, environment after environment in the order in which it would be done. */
export function renderPlan({ targets }: PlanReport, page: Page & { readonly withSql: boolean }): string {
  return groupAlike(targets.filter(({ plan }) => plan.steps.length > 0))
    .map(([{ sight, plan }, ...others]) => {
      const { environment, reading } = sight
      const name = others.length === 0 ? environment.name : ownerOf(environment)
      const notes = [
        others.length === 0 ? null : count(others.length + 1, 'database'),
        count(plan.steps.length, 'migration'),
        environment.protected ? 'protected' : null,
        isFresh(reading) ? 'the history tables will be created' : null,
      ].filter((note) => note !== null)
      const steps = plan.steps.map((step) => {
        const { kind, migration } = step
        const mark = kind === 'revert' ? page.paint('warn', '-') : page.paint('good', '+')
        const line = `  ${mark} ${migration.name}  ${page.paint('dim', count(sourceOf(step).sql.trimEnd().split('\n').length, 'line'))}`
        return page.withSql ? `${line}\n${indent(page.redact(sourceOf(step).sql))}` : line
      })
      const shown = page.all || page.withSql || steps.length <= MAX_STEPS ? steps : shortenSteps(steps, page)
      return `${page.paint('strong', name)}  ${page.paint('dim', notes.join(', '))}\n${shown.join('\n')}`
    })
    .join('\n\n')
}

/** Databases of one fleet in which the same will be done are told together; everything else stands alone. */
function groupAlike(targets: readonly TargetPlan[]): readonly (readonly [TargetPlan, ...TargetPlan[]])[] {
  return groupBy(targets, ({ sight: { environment, reading }, plan }) => {
    const steps = plan.steps.map(({ kind, migration }) => `${kind} ${migration.name}`)
    return JSON.stringify([ownerOf(environment), isFresh(reading), steps])
  })
}

const MAX_STEPS = 60

function shortenSteps(steps: readonly string[], page: Page): readonly string[] {
  const hidden = steps.length - MAX_STEPS
  return [
    ...steps.slice(0, MAX_STEPS),
    page.paint('dim', `  … and ${count(hidden, 'more migration')} (--all shows them)`),
  ]
}

function indent(text: string): string {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => (line === '' ? '' : `    ${line}`))
    .join('\n')
}
