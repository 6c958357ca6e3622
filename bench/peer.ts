/** One migration of a workload, as every peer gets it. */
export interface MigrationFile {
  /** `00001`. */
  readonly version: string
  /** Without the version; no two files have the same. */
  readonly title: string
  readonly sql: string
}

/** What a peer is to do, once. */
export interface Task {
  /** `start` asks for the version, or loads the library: no database. */
  readonly verb: 'sync' | 'status' | 'start'
  /** In the order in which they run. */
  readonly files: readonly MigrationFile[]
  /** The last of them, which the databases do not hold. */
  readonly pending: readonly MigrationFile[]
  /** In promotion order. */
  readonly databases: readonly { readonly environment: string; readonly url: string }[]
}

/** One process to run to its end in the folder that `layOut` filled. */
export interface Command {
  readonly program: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly input?: string
}

/** A way to do the tasks: one file in `peers/` and a line in its index. */
export interface Peer {
  readonly name: string
  /** What it runs for `sync`, in a few words. */
  readonly runs: string
  /** What it does not do, or does otherwise, that somebody who compares figures must know. */
  readonly lacks: string
  /** Why it cannot take part on this machine, or null. */
  findProblem(): string | null
  /** Writes the files as the tool wants them found. */
  layOut(folder: string, files: readonly MigrationFile[]): void
  /** The processes that do a task, one after the other; null for a task that it has no command for. */
  commandsFor(task: Task): readonly Command[] | null
  /** Its history table, qualified: as many rows as migrations that it holds applied, and `ownRows` more. */
  readonly history: string
  /** Rows of that table that are no migration of ours. */
  readonly ownRows?: number
}
