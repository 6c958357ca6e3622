import { ownerOf } from '../core/environment.ts'
import type { Environment } from '../core/environment.ts'
import { MigrationManagerError, ProblemsError } from '../core/errors.ts'
import type { Finding } from '../core/finding.ts'
import { groupBy } from '../core/grouping.ts'
import type { Migration } from '../core/migration.ts'
import { meansMigration } from '../core/migration.ts'
import type { Project, Unconfigured } from '../core/project.ts'

/** The environments that the command works on, in promotion order. */
export function selectEnvironments({ environments, selected }: Project): readonly Environment[] {
  if (selected === null) return environments
  const names = new Set(selected)
  return environments.filter(({ name }) => names.has(name))
}

/**
 * Says which of the chosen environments a run leaves out because none of its databases falls to its shard; not where
 * nothing at all is left, which every command says in place of a result.
 */
export function findEmptyShards(project: Project): readonly Finding[] {
  const { shard } = project
  if (shard === undefined || selectEnvironments(project).length === 0) return []
  return shard.emptied.map((environment) => ({
    code: 'shard/empty',
    severity: 'info',
    environment,
    message: `No database of ${environment} falls to shard ${shard.part}/${shard.parts}.`,
    hint: 'That is no mistake: its databases are those of other shards. Nothing is said of them here.',
  }))
}

/**
 * The environments that must be read before the selected ones may be changed: those, and all before the last of them,
 * because a migration may not overtake the environment before. Throws `config/missing-url` where one of them cannot be
 * read.
 */
export function environmentsToRead(project: Project): readonly Environment[] {
  const selected = new Set(selectEnvironments(project))
  const last = Math.max(...[...selected].map(({ order }) => order))
  refuseUnconfigured(project, ({ order }) => order < last, 'It comes before what is to be changed, and is read first.')
  return project.environments.filter((environment) => environment.order < last || selected.has(environment))
}

/**
 * The environments that must be read before the selected ones may lose something: those, and all behind the first.
 * Throws `config/missing-url` where one of them cannot be read.
 */
export function environmentsFrom(project: Project): readonly Environment[] {
  const selected = new Set(selectEnvironments(project))
  const first = Math.min(...[...selected].map(({ order }) => order))
  refuseUnconfigured(project, ({ order }) => order > first, 'It comes behind what is to be changed, and is read first.')
  return project.environments.filter((environment) => environment.order > first || selected.has(environment))
}

/** All environments. Throws `config/missing-url` where one of them cannot be read. */
export function allEnvironments(project: Project): readonly Environment[] {
  refuseUnconfigured(project, () => true, 'It could be this database, and is read first.')
  return project.environments
}

function refuseUnconfigured(project: Project, isNeeded: (one: Unconfigured) => boolean, why: string): void {
  const [first, ...others] = (project.unconfigured ?? []).filter(isNeeded).map(({ problem }) => ({
    ...problem,
    message: `${problem.message} ${why}`,
    hint: 'Set it, or list in MIGRATION_ENVIRONMENTS those that this run can reach.',
  }))
  if (first !== undefined) throw new ProblemsError([first, ...others])
}

/** Items of the same environment together, in the order in which the environments come. */
export function groupByOwner<Item>(
  items: readonly Item[],
  environmentOf: (item: Item) => Environment,
): readonly (readonly [Item, ...Item[]])[] {
  return groupBy(items, (item) => ownerOf(environmentOf(item)))
}

/**
 * The version that a person meant by `--to` or `--only`. Throws `usage/unknown-version` when no file has it.
 */
export function resolveVersion(option: string, wanted: string, files: readonly Migration[]): string {
  const file = files.find(({ name }) => meansMigration(name, wanted))
  if (file !== undefined) return file.version
  const last = files.at(-1)
  throw new MigrationManagerError('usage/unknown-version', `${option} ${wanted}: no migration has this version.`, {
    hint: last === undefined ? 'There are no migration files.' : `The newest is ${last.version} (${last.name}).`,
  })
}
