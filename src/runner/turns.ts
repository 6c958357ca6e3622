/** Lets so many works of one kind go on at a time; the others wait, and go on in the order in which they came. */
export type Turns = <T>(kind: string, work: () => Promise<T>) => Promise<T>

/** `atOnce`: how many works of one kind may be under way, at least 1. */
export function createTurns(atOnce: number): Turns {
  const kinds = new Map<string, { running: number; readonly waiting: (() => void)[] }>()
  return async (kind, work) => {
    const queue = kinds.get(kind) ?? { running: 0, waiting: [] }
    kinds.set(kind, queue)
    if (queue.running >= atOnce) await new Promise<void>((resolve) => queue.waiting.push(resolve))
    else queue.running++
    try {
      return await work()
    } finally {
      // The turn is handed on, so that nobody who comes just now slips in between.
      const next = queue.waiting.shift()
      if (next === undefined) queue.running--
      else next()
    }
  }
}
