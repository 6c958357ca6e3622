import type { Connection } from '../../../src/core/driver.ts'

/** A connection that is counted in `counter` until it is disposed of. */
export function countOpen(counter: { open: number }, connection: Connection): Connection {
  counter.open++
  return {
    ...connection,
    [Symbol.asyncDispose]: async () => {
      counter.open--
      await connection[Symbol.asyncDispose]()
    },
  }
}
