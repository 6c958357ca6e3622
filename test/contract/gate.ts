/** Where migrations wait that are to wait: each until it is decided what becomes of it. */
export interface Gate<Decision> {
  /** Waits at the gate for a decision; once the gate is open, `open` is the decision. */
  wait(): Promise<Decision>
  /** Resolves once somebody waits. */
  whenWaiting(): Promise<void>
  /** Decides for the one who waits. */
  decide(decision: Decision): void
  /** Decides so for the one who waits and for all who come. */
  open(decision: Decision): void
}

export function createGate<Decision>(): Gate<Decision> {
  let isOpen = false
  let opened: Decision
  let waiting: ((decision: Decision) => void) | null = null
  const arrivals: (() => void)[] = []
  const decide = (decision: Decision): void => {
    waiting?.(decision)
    waiting = null
  }
  return {
    wait() {
      if (isOpen) return Promise.resolve(opened)
      return new Promise((resolve) => {
        waiting = resolve
        for (const arrive of arrivals.splice(0)) arrive()
      })
    },
    whenWaiting: () =>
      new Promise((resolve) => {
        if (waiting === null) arrivals.push(resolve)
        else resolve()
      }),
    decide,
    open(decision) {
      isOpen = true
      opened = decision
      decide(decision)
    },
  }
}
