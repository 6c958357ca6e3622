import { expect, inject, test } from 'vitest'
import { prepareGround } from './arena.ts'
import type { Ground } from './arena.ts'
import { choose, createDice, runCampaign, SEED } from './campaign.ts'
import { judgeSecrecy, readReport } from './oracle.ts'
import type { Saying } from './oracle.ts'
import { MIXED, TRANSACTIONAL } from './scenario.ts'
import { createJudge } from './trial.ts'
import type { TrialReport } from './trial.ts'

const RUNNERS = 16
/** How many rounds are all, of each scenario. */
const ROUNDS = 50

/** Some runners die, at some moment of the first few seconds. */
const DEATHS = ['SIGKILL', 'SIGTERM', 'SIGINT', null, null, null] as const
const WITHIN_MS = 2_500

test.each([TRANSACTIONAL, MIXED])(
  `$name: ${RUNNERS} runners at once on three databases, some of them killed, apply each migration once`,
  async (scenario) => {
    await using ground = await prepareGround(inject('server'), scenario)
    const every = Array.from({ length: ROUNDS }, (_, round) => ({ name: `round ${round + 1}`, round }))
    const rounds = choose(every, 1, createDice(SEED))
    const failures = await runCampaign(`races, ${scenario.name}`, rounds, 1, ({ round }) =>
      race(ground, createDice(SEED + round)),
    )
    expect(failures).toEqual([])
  },
)

async function race(ground: Ground, dice: () => number): Promise<TrialReport> {
  await using arena = await ground.open(['dev', 'staging', 'prod'])
  const judge = createJudge(ground, arena)
  const runners = await Promise.all(
    Array.from({ length: RUNNERS }, async () => {
      const death = DEATHS[Math.floor(dice() * DEATHS.length)] ?? null
      const at = dice() * WITHIN_MS
      let timer: NodeJS.Timeout | undefined
      const said = await arena.run({
        onStart: (kill) => (timer = death === null ? undefined : setTimeout(() => kill(death), at)),
      })
      clearTimeout(timer)
      return { said, death }
    }),
  )
  await judge.look('after the race')
  const { violations, sayings } = await judge.rerun()
  return {
    violations: [
      ...violations,
      ...runners.flatMap(({ said, death }) => judgeRunner(said, death)),
      ...runners.flatMap(({ said }) => judgeSecrecy([ground.server.password], said)),
      ...judgeClaims(runners.map(({ said }) => said)),
    ],
    hasStruck: true,
    trace: runners.map(({ said, death }) => `${death ?? 'left alone'}: ${said.exitCode} ${said.stdout.trim()}`),
    sayings,
  }
}

/** Whoever was left alone comes to a good end; whoever was not ends as it was told to, or was done already. */
function judgeRunner({ exitCode, isHung, stdout }: Saying, death: NodeJS.Signals | null): readonly string[] {
  if (isHung) return ['a runner hung']
  if (exitCode !== null && readReport(stdout) === null) return [`a runner's stdout is not one JSON object: ${stdout}`]
  const expected = death === null ? [0] : death === 'SIGKILL' ? [0, null] : [0, 130, 143, null]
  return expected.includes(exitCode) ? [] : [`a runner (${death ?? 'left alone'}) ended with ${exitCode}`]
}

/** Nobody says to have done what another one says to have done. */
function judgeClaims(sayings: readonly Saying[]): readonly string[] {
  const claims = sayings.flatMap(({ stdout }) => {
    const { environments = [] } = readReport(stdout) ?? {}
    return environments.flatMap(({ name, done }) => done.map((step) => `${name}: ${step.name}`))
  })
  return claims
    .filter((claim, index) => claims.indexOf(claim) !== index)
    .map((claim) => `two runners say to have done ${claim}`)
}
