import type { Emit } from '../core/event.ts'
import type { Finding } from '../core/finding.ts'
import type { Matrix } from '../core/matrix.ts'
import type { Project } from '../core/project.ts'
import { selectEnvironments } from './selection.ts'
import { refuseMixUps, survey } from './survey.ts'
import type { Sight } from './survey.ts'

export interface StatusReport {
  readonly matrix: Matrix
  /** In promotion order. */
  readonly sights: readonly Sight[]
  readonly findings: readonly Finding[]
}

/**
 * Which migration is applied where, and is it the same file everywhere. Reads only. Environments that cannot be
 * reached are in the report, with their errors. Throws as `survey` does.
 */
export async function status(project: Project, emit: Emit, signal: AbortSignal): Promise<StatusReport> {
  await using seen = await survey(project, selectEnvironments(project), emit, signal)
  refuseMixUps(seen.sights, { mayRename: false })
  return {
    matrix: seen.matrix,
    sights: seen.sights,
    findings: [
      ...seen.sights.flatMap((sight) => (sight.isReachable ? sight.reading.findings : [])),
      ...seen.matrix.findings,
    ],
  }
}
