import type { Finding } from '../core/finding.ts'
import type { Project } from '../core/project.ts'
import { findEmptyShards, selectEnvironments } from './selection.ts'

/** Which environments matter to a verb besides the selected ones: none, those before them, or those behind them. */
export type Reach = 'selected' | 'before' | 'behind'

/** Says what a run leaves out that it would have worked on, or read: environments, and shards without a database. */
export function findLeftOut(project: Project, reach: Reach): readonly Finding[] {
  const orders = selectEnvironments(project).map(({ order }) => order)
  const [first, last] = [Math.min(...orders), Math.max(...orders)]
  const isMissed = (order: number): boolean =>
    (reach === 'before' && order < last) || (reach === 'behind' && order > first)
  const missed = (project.leftOut ?? []).filter(({ isWanted, order }) => isWanted || isMissed(order))
  return [...missed.map(({ finding }) => finding), ...findEmptyShards(project)]
}
