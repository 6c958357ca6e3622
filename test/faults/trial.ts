import type { Arena, Ground } from './arena.ts'
import { judgeEnd, judgeSecrecy, judgeState, judgeWords } from './oracle.ts'
import type { Observations, Saying } from './oracle.ts'
import { createFaultProxy } from './proxy.ts'
import type { Strike } from './proxy.ts'

/** How often a run may be repeated until it ends with 0. */
const MOST_RERUNS = 3

/** What is done to the first run. */
export interface FaultCase {
  readonly strike?: Strike | undefined
  /** See scripts/build-faults.js. */
  readonly env?: Readonly<Record<string, string>>
  /** The first run gives up soon when the server cannot be reached again. */
  readonly isImpatient?: boolean
}

/** What became of one case. */
export interface TrialReport {
  /** What does not hold, as sentences. */
  readonly violations: readonly string[]
  /** False when the run was over before it could be struck. */
  readonly hasStruck: boolean
  /** The messages that went through the proxy. */
  readonly trace: readonly string[]
  readonly sayings: readonly Saying[]
}

/** Runs the scenario under a fault, then again without until it ends with 0, and judges every moment of it. */
export async function tryCase(ground: Ground, { strike, ...options }: FaultCase): Promise<TrialReport> {
  await using arena = await ground.open()
  const judge = createJudge(ground, arena)
  await judge.look('before')
  const proxy = await createFaultProxy(ground.server.port, strike ?? null)
  try {
    const said = await arena.run({ ...options, port: proxy.port })
    await proxy.whenSettled()
    await judge.hear('after the first run', said)
  } finally {
    await proxy[Symbol.asyncDispose]()
  }
  const { violations, sayings } = await judge.rerun()
  const ending = sayings[0]?.exitCode ?? null
  return { violations, sayings, hasStruck: proxy.hasStruck || ending === null || ending >= 128, trace: proxy.trace }
}

/** Looks on while a scenario is run, several times if need be, and gathers what does not hold. */
export interface Judge {
  look(when: string): Promise<void>
  /** Judges the words of a run that has just ended. */
  hear(when: string, said: Saying): Promise<void>
  /** Runs again until all is done, and judges the end. */
  rerun(): Promise<{ readonly violations: readonly string[]; readonly sayings: readonly Saying[] }>
}

export function createJudge({ scenario, server }: Ground, arena: Arena): Judge {
  const violations: string[] = []
  const sayings: Saying[] = []
  let seen: Observations = {}
  const look = async (when: string): Promise<void> => {
    seen = await arena.look()
    violations.push(...judgeState(scenario, seen).map((problem) => `${when}: ${problem}`))
  }
  const hear = async (when: string, said: Saying): Promise<void> => {
    const mayHoldOthersWork = sayings.some(({ exitCode }) => exitCode === null || exitCode === 7)
    sayings.push(said)
    const before = seen
    await look(when)
    const problems = [
      ...judgeWords(scenario, said, { before, after: seen, mayHoldOthersWork }),
      ...judgeSecrecy([server.password], said),
    ]
    violations.push(...problems.map((problem) => `${when}: ${problem}`))
  }
  return {
    look,
    hear,
    async rerun() {
      for (let time = 1; time <= MOST_RERUNS && sayings.at(-1)?.exitCode !== 0; time++) {
        const said = await arena.run({ isMended: true })
        await hear(`after rerun ${time}`, said)
        if (said.exitCode !== 0 && time === MOST_RERUNS) violations.push(`rerun ${time} ended with ${said.exitCode}`)
      }
      violations.push(...judgeEnd(scenario, seen).map((problem) => `in the end: ${problem}`))
      violations.push(...(await arena.findLeftovers()))
      return { violations: [...new Set(violations)], sayings }
    },
  }
}
