import type { Environment } from './environment.ts'
import { fleetIn } from './fleet.ts'
import type { Finding } from './finding.ts'
import type { Column } from './matrix.ts'
import type { Migration } from './migration.ts'
import type { Plan } from './plan.ts'

/**
 * Finds migrations that an environment would get although the one before it in the promotion order does not hold them
 * with this content, and will not get them in this run either. Only environments that share a folder are in one order;
 * where the one before has many databases, all of them count. `columns` are in promotion order, and those before a
 * planned one are among them.
 */
export function findNotPromoted(columns: readonly Column[], plans: readonly Plan[]): readonly Finding[] {
  const planOf = new Map(plans.map((plan) => [plan.environment, plan]))
  const predecessorsOf = createNeighbourhood(columns, 'before', ({ environment, history }) => {
    const rows = (history ?? []).filter((row) => row.status === 'applied')
    const held = new Map<string, string>(rows.map((row) => [row.name, row.checksum]))
    for (const { migration } of planOf.get(environment.name)?.steps ?? []) held.set(migration.name, migration.checksum)
    return held
  })
  return columns.flatMap(({ environment }) =>
    (planOf.get(environment.name)?.steps ?? []).flatMap(({ migration }): Finding[] => {
      const before = predecessorsOf(environment).find(
        migration.name,
        ({ held }) => held.get(migration.name) !== migration.checksum,
      )
      if (before === undefined) return []
      return [notPromoted(environment.name, before.name, migration, before.held.has(migration.name))]
    }),
  )
}

function notPromoted(environment: string, predecessor: string, { name, file }: Migration, isOther: boolean): Finding {
  return {
    code: 'history/not-promoted',
    severity: 'block',
    environment,
    migration: name,
    message: isOther
      ? `${environment} would get ${name} with another content than ${predecessor} ran.`
      : `${environment} would get ${name} before ${predecessor} has it.`,
    hint: isOther
      ? `Put ${file} back as ${predecessor} ran it, and write the change as a new migration. To go on all the same, add --allow history/not-promoted.`
      : `${adviseFirst('Sync', environment, predecessor)} To overtake on purpose, add --allow history/not-promoted.`,
  }
}

/**
 * What to do in the environment that comes first before it can be done in this one. Of fleets one database of hundreds is
 * named, and a shard holds only some of each, so it is done in all of the first.
 */
export function adviseFirst(act: 'Sync' | 'Take it back in', environment: string, first: string): string {
  const fleet = fleetIn(first)
  if (fleet !== null) return `${act} all of ${fleet} first, every shard of it: --env ${fleet}.`
  return fleetIn(environment) === null
    ? `${act} ${first} first, or both: --env ${first},${environment}.`
    : `${act} ${first} first: --env ${first}.`
}

/** A database of the environment next to another one, and what `describe` says that it holds. */
interface Neighbour<Held> {
  readonly name: string
  readonly held: Held
}

/** The databases of the environment next to another one. */
interface Neighbours<Held> {
  /**
   * The first that `is` takes. The answer is remembered under `key`, since a thousand databases ask the same of a
   * thousand others.
   */
  find(key: string, is: (neighbour: Neighbour<Held>) => boolean): Neighbour<Held> | undefined
}

/**
 * Finds for an environment the databases of the one next before or behind it, among those that share its folder: one, or
 * as many as that environment has. Those that could not be read are left out. What a database holds is found once.
 */
export function createNeighbourhood<Held>(
  columns: readonly Column[],
  side: 'before' | 'behind',
  describe: (column: Column) => Held,
): (environment: Environment) => Neighbours<Held> {
  const found = new Map<string, Neighbours<Held>>()
  return ({ order, migrationsDir }) => {
    const key = JSON.stringify([order, migrationsDir])
    const known = found.get(key)
    if (known !== undefined) return known
    const others = columns.filter(
      (column) =>
        column.environment.migrationsDir === migrationsDir &&
        (side === 'before' ? column.environment.order < order : column.environment.order > order),
    )
    const orders = others.map((column) => column.environment.order)
    const nearest = side === 'before' ? Math.max(...orders) : Math.min(...orders)
    const neighbours = createNeighbours(
      others
        .filter((column) => column.environment.order === nearest && column.history !== null)
        .map((column) => ({ name: column.environment.name, held: describe(column) })),
    )
    found.set(key, neighbours)
    return neighbours
  }
}

function createNeighbours<Held>(all: readonly Neighbour<Held>[]): Neighbours<Held> {
  const answers = new Map<string, Neighbour<Held> | undefined>()
  return {
    find(key, is) {
      if (!answers.has(key)) answers.set(key, all.find(is))
      return answers.get(key)
    },
  }
}
