import type { Finding } from './finding.ts'
import { findHalfway, isResumable } from './history.ts'
import type { AppliedMigration } from './history.ts'
import type { Migration } from './migration.ts'
import { SEARCH } from './provenance.ts'
import { quoted } from './shell.ts'

/** Where the history and the files disagree: edited, gone, or never finished. */
export function findDisagreements(
  environment: string,
  files: readonly Migration[],
  history: readonly AppliedMigration[],
): readonly Finding[] {
  const byName = new Map(files.map((file) => [file.name, file]))
  const disagreeing = history.filter(
    ({ name, status, checksum }) => status !== 'applied' || byName.get(name)?.checksum !== checksum,
  )
  if (disagreeing.length === 0) return []
  const byChecksum = new Map(files.map((file) => [file.checksum as string, file]))
  const applied = new Set(history.map((row) => row.name))
  return disagreeing.flatMap((row): Finding[] => {
    const file = byName.get(row.name)
    const findings: Finding[] = []
    if (row.status === 'started') findings.push(unfinished(environment, row, file))
    if (file === undefined && row.status === 'applied') {
      const twin = byChecksum.get(row.checksum)
      findings.push(missing(environment, row, twin !== undefined && !applied.has(twin.name) ? twin : undefined))
    } else if (file !== undefined && file.checksum !== row.checksum && row.status === 'applied') {
      findings.push(changed(environment, row, file))
    }
    return findings
  })
}

function unfinished(environment: string, row: AppliedMigration, file: Migration | undefined): Finding {
  const halfway = findHalfway(row)
  if (halfway?.kind === 'revert') {
    return {
      code: 'history/unfinished',
      severity: 'block',
      environment,
      migration: row.name,
      message: `The rollback of ${row.name} was cut off in ${environment} after ${halfway.done} of its steps.`,
      hint:
        file === undefined
          ? `Bring ${row.name}.sql back (${SEARCH.gone(row.name)}), and the same rollback goes on at step ${halfway.done + 1}. Or set ${environment} right by hand, then: migration-manager repair finish ${quoted(row.name)} --env ${environment} --reason "…" if all of the migration is there again, repair abandon if nothing is.`
          : `Run the same rollback again: it goes on at step ${halfway.done + 1}.`,
    }
  }
  if (isResumable(row) && file !== undefined && file.checksum !== row.checksum) {
    return {
      code: 'history/unfinished',
      severity: 'block',
      environment,
      migration: row.name,
      message: `${file.file} was edited after ${row.step} of its steps had been done in ${environment}.`,
      hint: `Put the file back as it was begun (${SEARCH.edited(file.file)}), and sync goes on. Or undo those steps by hand, then: migration-manager repair abandon ${quoted(row.name)} --env ${environment} --reason "…"`,
    }
  }
  if (isResumable(row)) {
    const next = (row.step ?? 0) + 1
    return {
      code: 'history/unfinished',
      severity: file === undefined ? 'block' : 'warn',
      environment,
      migration: row.name,
      message: `${row.name} was cut off in ${environment} after ${row.step} of its steps.`,
      hint:
        file === undefined
          ? `Bring ${row.name}.sql back (${SEARCH.gone(row.name)}), and sync goes on at step ${next}. Or undo its steps by hand, then: migration-manager repair abandon ${quoted(row.name)} --env ${environment} --reason "…" (repair finish if all of it is there).`
          : `Run sync: it goes on at step ${next}.`,
    }
  }
  return {
    code: 'history/unfinished',
    severity: 'block',
    environment,
    migration: row.name,
    message: `${row.name} was started in ${environment} and never finished.`,
    hint: `Look at what it has left in ${environment}: its file may hold a COMMIT that ended the transaction half-way. Mend the database by hand, then say what is so now: migration-manager repair finish ${quoted(row.name)} --env ${environment} --reason "…" if all of it is there, repair abandon if none of it is.`,
  }
}

function changed(environment: string, row: AppliedMigration, file: Migration): Finding {
  const when = row.appliedAt === null ? '' : ` on ${row.appliedAt.toISOString().slice(0, 10)}`
  return {
    code: 'history/changed',
    severity: 'block',
    environment,
    migration: row.name,
    message: `${file.file} was edited after ${environment} ran it${when}.`,
    hint: `Put the file back as it ran (${SEARCH.edited(file.file)}) and write the change as a new migration. If the edit changes nothing that matters: migration-manager repair accept-checksum ${quoted(row.name)} --env ${environment} --reason "…". To go on without, this once, add --allow history/changed.`,
  }
}

function missing(environment: string, row: AppliedMigration, renamed: Migration | undefined): Finding {
  return {
    code: 'history/missing-file',
    severity: 'block',
    environment,
    migration: row.name,
    message:
      renamed === undefined
        ? `${row.name} is applied in ${environment}, but its file is gone.`
        : `${row.name} is applied in ${environment}, but its file is now called ${renamed.file}.`,
    hint:
      renamed === undefined
        ? `Bring ${row.name}.sql back (${SEARCH.gone(row.name)}). To go on without, add --allow history/missing-file.`
        : `Name it ${row.name}.sql again: a new name would run it a second time.`,
  }
}
