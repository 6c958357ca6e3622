import type { Shard } from '../config/shard.ts'

/** The options that every command takes, as parsed. */
export interface GlobalOptions {
  /** `--env`, split at commas; undefined for all environments. */
  readonly env: readonly string[] | undefined
  /** `--shard`; undefined for all databases. */
  readonly shard: Shard | undefined
  readonly dir: string | undefined
  readonly envFile: string | undefined
  readonly config: string | undefined
  /** `--concurrency`; undefined for the default. */
  readonly concurrency: number | undefined
  readonly json: boolean
  readonly yes: boolean
  readonly verbose: boolean
  readonly quiet: boolean
  readonly color: boolean
}

/** A verb of the command line by its words, for those who offer them. */
export interface Verb {
  readonly name: string
  readonly describe: string
  /** All options that it takes, without dashes. */
  readonly options: readonly string[]
}
