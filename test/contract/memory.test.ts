import { createMemoryDatabase, memoryDriver } from '../../src/drivers/memory.ts'
import type { Fate, MemoryDatabase } from '../../src/drivers/memory.ts'
import { describeDriver } from './driver.ts'
import type { ContractDatabase } from './suite.ts'

let made = 0

describeDriver('memory', memoryDriver, async (): Promise<ContractDatabase<MemoryDatabase>> => {
  const database = createMemoryDatabase(`memory-${++made}`)
  let isOpen = false
  let decide: ((fate: Fate) => void) | null = null
  const arrivals: (() => void)[] = []

  database.fateOf = ({ up }) => {
    if (up.endsWith('fails')) return 'fails'
    if (!up.endsWith('waits') || isOpen) return 'commits'
    return new Promise((resolve) => {
      decide = resolve
      for (const arrive of arrivals.splice(0)) arrive()
    })
  }
  const decideAs = (fate: Fate): void => {
    decide?.(fate)
    decide = null
  }

  return {
    endpoint: database,
    textOf: (name, behaviour) => `${name} ${behaviour}`,
    effects: async () => database.effects,
    async contents() {
      const { initialisedAs, history } = database
      return JSON.stringify({ initialisedAs, history })
    },
    async tamper(name, checksum) {
      database.history = database.history.map((row) => (row.name === name ? { ...row, checksum } : row))
    },
    whenWaiting: () =>
      new Promise((resolve) => {
        if (decide === null) arrivals.push(resolve)
        else resolve()
      }),
    async release() {
      isOpen = true
      decideAs('commits')
    },
    terminate: async () => decideAs('lost-before-commit'),
    async commitUnheard() {
      isOpen = true
      decideAs('lost-after-commit')
    },
    setReachable(isReachable) {
      database.isReachable = isReachable
    },
    async [Symbol.asyncDispose]() {},
  }
})
