import type { Actor, Driver } from './driver.ts'
import type { Environment } from './environment.ts'
import type { Problem } from './errors.ts'
import type { Finding } from './finding.ts'
import type { Limits } from './policy.ts'

/** One of several runs that share the databases of fleets among them. */
export interface ShardOfRun {
  /** From 1 to `parts`. */
  readonly part: number
  readonly parts: number
  /** The chosen fleets of which no database falls to it. */
  readonly emptied: readonly string[]
}

/** An environment that does not take part, though it would in another run. */
export interface LeftOut {
  /** Its place in the promotion order, among the others. */
  readonly order: number
  /** Whether the run would work on it: it does where no environment is named. */
  readonly isWanted: boolean
  readonly finding: Finding
}

/** An environment that is listed and cannot be connected to. */
export interface Unconfigured {
  /** Its place in the promotion order, among the others. */
  readonly order: number
  /** What to say to whoever needs it. */
  readonly problem: Problem
}

/** Everything a command must know that does not change while it runs. */
export interface Project {
  /** The working directory; relative folders start here. */
  readonly cwd: string
  /** All configured environments, in promotion order. */
  readonly environments: readonly Environment[]
  /** The names given with `--env`; null for all. */
  readonly selected: readonly string[] | null
  /** Of fleets only a part is worked on; absent where all of their databases are. */
  readonly shard?: ShardOfRun | undefined
  /** The environments that a person should know are not there. */
  readonly leftOut?: readonly LeftOut[] | undefined
  /** The environments that would have to be read for others, and cannot be; none of them is selected. */
  readonly unconfigured?: readonly Unconfigured[] | undefined
  readonly historySchema: string
  readonly limits: Limits
  /** How many databases of one server are connected to at once, `DEFAULT_CONCURRENCY` when absent. */
  readonly concurrency?: number | undefined
  /** This run, a UUID. */
  readonly runId: string
  readonly actor: Actor
  /** The driver of an engine that an environment names. */
  readonly driverOf: (engine: string) => Driver
}
