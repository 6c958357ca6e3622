import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, inject, test } from 'vitest'
import { connectTo, prepareGround } from './arena.ts'
import { choose, createDice, runCampaign, SEED } from './campaign.ts'
import { startOwnServer } from './own-server.ts'
import {
  ATOMIC,
  MIXED,
  ROLLBACK,
  SLOW_INDEX,
  SLOW_STATEMENT,
  STEPWISE_ROLLBACK,
  TOO_BIG,
  TRANSACTIONAL,
} from './scenario.ts'
import { createJudge, tryCase } from './trial.ts'

const dice = createDice(SEED)

const SCENARIOS = [TRANSACTIONAL, MIXED, ATOMIC, ROLLBACK, STEPWISE_ROLLBACK]

test.each(SCENARIOS)('$name: a backend that is terminated at any message', async (scenario) => {
  const server = inject('server')
  await using ground = await prepareGround(server, scenario)
  const admin = connectTo(server, 'postgres', 4)
  const terminate = async (pid: number): Promise<void> => {
    if (pid !== 0) await admin`SELECT pg_terminate_backend(${pid}, 10000)`
  }
  const messages = (await tryCase(ground, {})).trace.length
  const every = Array.from({ length: messages }, (_, index) => index + 1).map((at) => ({
    name: `backend terminated at message ${at} of ${messages}`,
    strike: { at, fault: terminate },
  }))
  const cases = choose(every, 3, dice)
  const failures = await runCampaign(`backend terminated, ${scenario.name} (of ${every.length})`, cases, 4, (one) =>
    tryCase(ground, one),
  )
  expect(failures).toEqual([])
  await admin.end()
})

test.each(SCENARIOS)('$name: a server that restarts at any message', async (scenario) => {
  await using server = await startOwnServer()
  await using ground = await prepareGround(server.address, scenario)
  const messages = (await tryCase(ground, {})).trace.length
  const every = Array.from({ length: messages }, (_, index) => index + 1).flatMap((at) =>
    (['fast', 'immediate'] as const).map((how) => ({
      name: `${how} restart at message ${at} of ${messages}`,
      strike: { at, fault: () => server.restart(how) },
    })),
  )
  const cases = choose(every, 1, dice, 100)
  // One at a time: there is one server.
  const failures = await runCampaign(`server restarts, ${scenario.name} (of ${every.length})`, cases, 1, (one) =>
    tryCase(ground, one),
  )
  expect(failures).toEqual([])
})

test.each([SLOW_STATEMENT, SLOW_INDEX])(
  '$name: a statement that runs into its time-out leaves nothing',
  async (scenario) => {
    await using ground = await prepareGround(inject('server'), scenario)
    const { violations, sayings } = await tryCase(ground, {})
    expect(violations).toEqual([])
    expect(sayings.map(({ exitCode }) => exitCode)).toEqual([1, 0])
    expect(sayings[0]?.stdout).toContain('"code":"57014"')
  },
)

test('a disk that runs full in the middle: rolled back, and a rerun completes when there is room again', async (context) => {
  const disk = mkdtempSync('/tmp/mm-disk-')
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=160m,mode=0755', 'tmpfs', disk], { stdio: 'pipe' })
  } catch {
    rmdirSync(disk)
    process.stdout.write('faults | SKIPPED: the disk that runs full, because mount is not permitted here\n')
    return context.skip()
  }
  try {
    await using server = await startOwnServer(disk)
    await using ground = await prepareGround(server.address, TOO_BIG)
    await using arena = await ground.open()
    const judge = createJudge(ground, arena)
    const ballast = join(disk, 'ballast')
    writeFileSync(ballast, Buffer.alloc(30 * 1024 * 1024))
    await judge.look('before')
    const said = await arena.run({})
    rmSync(ballast)
    await server.restart('immediate')
    await judge.hear('after the disk was full', said)
    const { violations } = await judge.rerun()
    expect(violations).toEqual([])
    expect([1, 7]).toContain(said.exitCode)
  } finally {
    execFileSync('umount', [disk])
    rmdirSync(disk)
  }
})
