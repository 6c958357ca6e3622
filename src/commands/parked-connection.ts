import type { Connection, Reading } from '../core/driver.ts'
import { MigrationManagerError } from '../core/errors.ts'

/**
 * Stands for a connection that was closed after its reading, because more databases are on its server than may be
 * connected to at once. Whatever is asked of it opens another one, for that alone, and waits for its turn to do so; what
 * the database was is compared. What is absent from the one that was closed, the engine cannot do, and is absent here.
 */
export function parkConnection(
  environment: string,
  { connection: closed, reading }: { readonly connection: Connection; readonly reading: Reading },
  connect: () => Promise<Connection>,
  takeTurn: <T>(work: () => Promise<T>) => Promise<T>,
  signal: AbortSignal,
): Connection {
  /** A login that was cut off by an interruption is not the server's fault. */
  async function reconnect(): Promise<Connection> {
    try {
      return await connect()
    } catch (cause) {
      if (!signal.aborted) throw cause
      throw new MigrationManagerError('run/interrupted', `The run was interrupted before it came to ${environment}.`, {
        hint: 'Nothing was written there. Run the same command again.',
        environment,
        cause,
      })
    }
  }
  async function use<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    const connection = await reconnect()
    try {
      const { databaseId } = await connection.read()
      if (databaseId !== reading.databaseId) {
        throw new MigrationManagerError(
          'target/other-database',
          `${environment} is another database now than when this run began.`,
          { hint: 'Look at what happened to the server, then run status.', environment },
        )
      }
      return await work(connection)
    } finally {
      await leave(connection)
    }
  }
  const claims: Connection['claims'] = (source, migrations) =>
    takeTurn(() =>
      use((connection) => {
        if (connection.claims === undefined) throw new Error('an engine has forgotten how to read claims')
        return connection.claims(source, migrations)
      }),
    )
  return {
    ...(closed.claims === undefined ? {} : { claims }),
    read: () => takeTurn(() => use((connection) => connection.read())),
    log: () => takeTurn(() => use((connection) => connection.log())),
    verify: (migrations) => takeTurn(() => use((connection) => connection.verify(migrations))),
    snapshot: () => takeTurn(() => use((connection) => connection.snapshot())),
    prepare: (options) => takeTurn(() => use((connection) => connection.prepare(options))),
    // No turn: `--atomic` holds all of them open together, and would wait for itself.
    withLock: (work) => use((connection) => connection.withLock(work)),
    async [Symbol.asyncDispose]() {},
  }
}

/** Closes a connection; the next one may be opened when this resolves. */
export async function leave(connection: Connection): Promise<void> {
  if (connection.leave === undefined) await connection[Symbol.asyncDispose]()
  else await connection.leave()
}
