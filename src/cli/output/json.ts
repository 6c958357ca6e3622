import type { StatusReport } from '../../commands/status.ts'
import type { SyncReport } from '../../commands/sync-report.ts'
import type { Finding } from '../../core/finding.ts'
import { fleetIn } from '../../core/fleet.ts'
import type { FleetSummary } from '../../core/fleet.ts'
import { isFresh } from '../../core/lost-tables.ts'
import { emptyTally, tallyByEnvironment } from '../../core/matrix.ts'
import type { Matrix } from '../../core/matrix.ts'
import type { Outcome, OutcomeStatus, StepFailure } from '../../core/outcome.ts'
import type { Provenance } from '../../core/provenance.ts'
import { errorJson } from './errors.ts'
import { fleetsOf } from './status-summary.ts'

/*
 * The JSON of the commands: a public contract. Keys are only ever added.
 */

export type Json = Readonly<Record<string, unknown>>

export function statusJson(report: StatusReport): Json {
  const tallies = tallyByEnvironment(report.matrix)
  const fleets = fleetsOf(report)
  return {
    inSync: report.matrix.inSync,
    ...(fleets.length === 0 ? {} : { fleets: fleets.map(fleetJson) }),
    environments: report.sights.map((sight) => {
      const { environment } = sight
      const { applied, pending, changed, missing, started } = tallies.get(environment.name) ?? emptyTally()
      return {
        name: environment.name,
        ...fleetKey(environment.name),
        engine: environment.engine,
        protected: environment.protected,
        reachable: sight.isReachable,
        initialised: sight.isReachable && !isFresh(sight.reading),
        applied,
        pending,
        changed,
        missing,
        started,
        error: sight.isReachable ? null : errorJson(sight.error),
      }
    }),
    migrations: report.matrix.rows.map(migrationJson),
    findings: report.findings.map(findingJson),
  }
}

/** Which environment one of many databases belongs to; nothing for an environment with one database. */
export function fleetKey(name: string): Json {
  const fleet = fleetIn(name)
  return fleet === null ? {} : { fleet }
}

function fleetJson({ name, counts, standings }: FleetSummary): Json {
  return {
    name,
    databases: standings.size,
    inStep: counts['in-step'],
    pending: counts.pending,
    disagreeing: counts.disagreeing,
    unreachable: counts.unreachable,
  }
}

function migrationJson(row: Matrix['rows'][number]): Json {
  return {
    name: row.name,
    version: row.version,
    file: row.migration?.file ?? null,
    checksum: row.migration?.checksum ?? null,
    lines: row.migration?.lines ?? null,
    environments: Object.fromEntries(
      [...row.cells].map(([name, { state, row: applied }]) => [
        name,
        applied === null
          ? { state }
          : {
              state,
              appliedAt: applied.appliedAt?.toISOString() ?? null,
              durationMs: applied.durationMs,
              checksum: applied.checksum,
            },
      ]),
    ),
  }
}

export function syncJson(report: SyncReport): Json {
  return {
    status: runStatus(report.status),
    environments: report.outcomes.map(outcomeJson),
    findings: report.findings.map(findingJson),
  }
}

function outcomeJson({ environment, status, done, failed, left }: Outcome): Json {
  return {
    name: environment,
    ...fleetKey(environment),
    status: status === 'needs-person' ? 'failed' : status,
    done: done.map(({ name, durationMs }) => ({ name, durationMs })),
    failed: failed === null ? null : failureJson(failed),
    left: left.map(({ migration }) => ({ name: migration.name })),
  }
}

/** An SQLSTATE, SQLite's word or a number of Cloudflare's; not what the network calls a failure (ECONNREFUSED). */
const SAID_BY_SERVER = /^(?:\d{3,5}|SQLITE_\w+|(?=.*\d)[0-9A-Z]{5})$/u

function failureJson({ name, error }: StepFailure): Json {
  return {
    name,
    error: {
      code: SAID_BY_SERVER.test(error.engineCode ?? '') ? error.engineCode : error.code,
      message: error.message,
      file: error.at?.file ?? null,
      line: error.at?.line ?? null,
      column: error.at?.column ?? null,
      hint: error.hint ?? null,
    },
  }
}

export function findingJson({ code, severity, environment, migration, message, hint, at, provenance }: Finding): Json {
  return {
    code,
    severity,
    environment: environment ?? null,
    migration: migration ?? null,
    message,
    hint: hint ?? null,
    ...(at === undefined ? {} : { file: at.file, line: at.line, column: at.column }),
    ...(provenance === undefined ? {} : { git: provenanceJson(provenance) }),
  }
}

/** What git knows of a version that ran, or why it knows nothing. */
export function provenanceJson(provenance: Provenance): Json {
  if (!provenance.found) return { found: false, reason: provenance.gap }
  const { commit, author, date, subject, file } = provenance.version
  return { found: true, commit, author, date: date?.toISOString() ?? null, subject, file }
}

/** The words of the contract for a whole run; a run that waits for a lock or a person has failed. */
function runStatus(status: OutcomeStatus): string {
  return status === 'locked' || status === 'needs-person' || status === 'skipped' ? 'failed' : status
}
