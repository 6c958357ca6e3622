import type { Emit } from '../core/event.ts'
import type { Finding } from '../core/finding.ts'
import type { Matrix } from '../core/matrix.ts'
import type { Project } from '../core/project.ts'
import { diffChanges, traceFindings } from './changes.ts'
import type { ChangeReport } from './changes.ts'
import { findLeftOut } from './left-out.ts'
import { refuseMixUps } from './mix-ups.ts'
import { selectEnvironments } from './selection.ts'
import { readFolders, survey } from './survey.ts'
import type { Detail, Sight } from './survey.ts'

export interface StatusReport {
  readonly matrix: Matrix
  /** In promotion order. */
  readonly sights: readonly Sight[]
  readonly findings: readonly Finding[]
  /** What ran and is not on disk; null unless it was asked for. */
  readonly changes: readonly ChangeReport[] | null
}

/**
 * Which migration is applied where, and is it the same file everywhere. Reads only. Environments that cannot be
 * reached are in the report, with their errors. Throws `ProblemsError` for bad files, whatever the environments are like,
 * and as `refuseMixUps` does. With `diff` the report says how what ran differs from what is on disk. With the
 * detail `states`, when and by whom need not be known, which saves reading thousands of rows.
 */
export async function status(
  project: Project,
  emit: Emit,
  signal: AbortSignal,
  { diff, detail }: { readonly diff: boolean; readonly detail?: Detail } = { diff: false },
): Promise<StatusReport> {
  const environments = selectEnvironments(project)
  await using seen = await survey(project, environments, readFolders(project, environments), emit, signal, detail)
  refuseMixUps(seen.sights, { mayRename: false })
  return {
    matrix: seen.matrix,
    sights: seen.sights,
    findings: [
      ...findLeftOut(project, 'selected'),
      ...seen.sights.flatMap((sight) => (sight.isReachable ? sight.reading.findings : [])),
      ...(await traceFindings(seen.matrix.findings, seen.matrix, project.cwd)),
    ],
    changes: diff ? await diffChanges(seen.matrix, project.cwd) : null,
  }
}
