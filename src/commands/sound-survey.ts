import type { Environment } from '../core/environment.ts'
import { ProblemsError } from '../core/errors.ts'
import type { Problem } from '../core/errors.ts'
import { groupBy } from '../core/grouping.ts'
import { refuseMixUps } from './mix-ups.ts'
import { groupByOwner } from './selection.ts'
import type { Sight, Survey } from './survey.ts'

/** Of a fleet's databases that cannot be read for one reason, so many are named. */
const MOST_NAMED = 5

/** How many databases of a fleet may be unreadable: of those that a run works on, never of those that it only looks at. */
export interface Tolerance {
  readonly maxFailures: number
  readonly isSelected: (environment: Environment) => boolean
}

/**
 * Nothing may be written anywhere while one environment is unknown: throws `ProblemsError` with all that could not be
 * read and is not tolerated.
 */
export function refuseUnreadable(sights: readonly Sight[], tolerance?: Tolerance): void {
  const unreadable = sights.filter((sight) => !sight.isReachable)
  const problems = groupByOwner(unreadable, ({ environment }) => environment)
    .filter((group) => !isTolerated(group, tolerance))
    .flatMap((group) => groupBy(group, ({ error }) => error.code).flatMap(describeUnreadable))
  const [first, ...rest] = problems
  if (first !== undefined) throw new ProblemsError([first, ...rest])
}

type UnreadSight = Extract<Sight, { isReachable: false }>

function isTolerated(group: readonly UnreadSight[], tolerance: Tolerance | undefined): boolean {
  return (
    tolerance !== undefined &&
    group.length <= tolerance.maxFailures &&
    group.every(({ environment }) => environment.fleet !== undefined && tolerance.isSelected(environment))
  )
}

/** Databases of one environment with errors of one code. */
function describeUnreadable(group: readonly UnreadSight[]): readonly Problem[] {
  const hidden = group.length - MOST_NAMED
  return group.slice(0, MOST_NAMED).map(({ environment, error: { code, message, hint } }, index): Problem => {
    const others = index === MOST_NAMED - 1 && hidden > 0 ? ` Nor could ${hidden} more, for the same reason.` : ''
    return {
      code,
      message: `${environment.name} could not be read: ${message}${others === '' || message.endsWith('.') ? '' : '.'}${others}`,
      hint,
    }
  })
}

/**
 * Decides what to do from a survey of which every environment could be read, but for what is tolerated, and is the right
 * one. Closes its connections when that throws: whoever is handed what was decided closes them otherwise.
 */
export async function decideFrom<T>(seen: Survey, decide: () => Promise<T>, tolerance?: Tolerance): Promise<T> {
  try {
    refuseUnreadable(seen.sights, tolerance)
    refuseMixUps(seen.sights, { mayRename: false })
    return await decide()
  } catch (cause) {
    await seen[Symbol.asyncDispose]()
    throw cause
  }
}
