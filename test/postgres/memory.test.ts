import { expect, test } from 'vitest'
import { watchMemory } from '../../bench/peak-memory.ts'
import { collect, createProject } from '../support/cli.ts'
import type { TestProject } from '../support/cli.ts'
import { createDatabase } from '../support/server.ts'

/*
 * The most memory that the process ever held, in MB: it does not depend on how busy the machine is. The limits leave room
 * for other versions of Node.js; docs/performance.md has what was measured, and ADR 0016 what is behind it.
 */

const isLinux = process.platform === 'linux'

test.runIf(isLinux)('a file of 20 MB is held little more than twice', async () => {
  await using database = await createDatabase('memory')
  await using project = createProject({
    files: { 'database/001-bulk.sql': bulk() },
    env: { DATABASE_URL: database.url },
  })

  expect(await peakOf(project, 'sync', '--yes')).toBeLessThan(150)
  expect(await database.query('SELECT count(*)::int AS rows FROM bulk')).toEqual([{ rows: 85_600 }])
})

test.runIf(isLinux)('a plan, a status and a sync of 100 small files are held in 64 MB', async () => {
  await using database = await createDatabase('memory')
  const files = Array.from({ length: 100 }, (_, index) => [
    `database/${index + 100}-table.sql`,
    `CREATE TABLE t${index} (id int PRIMARY KEY, note text);\nCREATE INDEX ON t${index} (note);\n`,
  ])
  await using project = createProject({ files: Object.fromEntries(files), env: { DATABASE_URL: database.url } })

  const peaks = []
  for (const args of [['plan'], ['sync', '--yes'], ['status']]) peaks.push(await peakOf(project, ...args))

  expect(peaks.filter((peak) => peak >= 64)).toEqual([])
})

function bulk(): string {
  const note = 'The quick brown fox jumps over the lazy dog, and nobody has ever asked the dog. '.repeat(2)
  const rows = Array.from(
    { length: 85_600 },
    (_, id) => `INSERT INTO bulk VALUES (${id}, 'row number ${id}', '${note}');`,
  )
  return `CREATE TABLE bulk (id bigint PRIMARY KEY, name text NOT NULL, note text);\n${rows.join('\n')}\n`
}

async function peakOf(project: TestProject, ...args: readonly string[]): Promise<number> {
  const child = project.start(args)
  const watch = watchMemory(child.pid ?? 0)
  const result = await collect(child)
  const peak = watch.stop()
  expect(result).toMatchObject({ exitCode: 0 })
  if (peak === null) throw new Error('the memory could not be watched')
  return peak
}
