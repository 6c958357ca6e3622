import { explainFindings } from '../core/explanation.ts'
import type { Finding } from '../core/finding.ts'
import { isAppliedEverywhere } from '../core/matrix.ts'
import type { Matrix } from '../core/matrix.ts'
import type { Change } from '../core/provenance.ts'

/** A change with what is different now. */
export interface ChangeReport extends Change {
  /** The hunks of a unified diff from what ran to what is on disk; null where one of the two is not known. */
  readonly diff: string | null
}

/** How long git may look for what ran, in milliseconds, before the findings are told without. */
const GLANCE_MS = 3_000
/** The same for who asked for the difference. */
const SEARCH_MS = 15_000
/** So many versions are looked for on the way; beyond, somebody has changed the world. */
const MAX_GLANCES = 50

/** The findings with what git knows of the versions that ran. Asks git only where something differs. */
export async function traceFindings(
  findings: readonly Finding[],
  matrix: Matrix,
  cwd: string,
): Promise<readonly Finding[]> {
  const changes = listChanges(matrix).slice(0, MAX_GLANCES)
  return changes.length === 0 ? findings : explainFindings(findings, await traceChanges(changes, cwd, GLANCE_MS))
}

/** What ran and is not on disk, each with its commit and its difference. `isWanted` chooses by the migration's name. */
export async function diffChanges(
  matrix: Matrix,
  cwd: string,
  isWanted: (migration: string) => boolean = () => true,
): Promise<readonly ChangeReport[]> {
  const wanted = listChanges(matrix).filter(({ migration }) => isWanted(migration))
  const changes = await traceChanges(wanted, cwd, SEARCH_MS)
  const { diffTexts } = await import('../sources/git-diff.ts')
  return Promise.all(
    changes.map(async (change) => {
      const { provenance, current } = change
      const isKnown = provenance.found && current !== null
      return { ...change, diff: isKnown ? await diffTexts(provenance.version.text, current.up, SEARCH_MS) : null }
    }),
  )
}

/** A change before git was asked. */
type Untraced = Omit<Change, 'provenance'> & { readonly dir: string }

function listChanges({ rows, inSync }: Matrix): readonly Untraced[] {
  const differing = inSync ? [] : rows.filter((row) => !isAppliedEverywhere(row))
  return differing.flatMap(({ name, dir, migration, cells }) => {
    const byChecksum = new Map<string, string[]>()
    for (const [environment, { row }] of cells) {
      if (row === null || row.checksum === migration?.checksum) continue
      byChecksum.set(row.checksum, [...(byChecksum.get(row.checksum) ?? []), environment])
    }
    return [...byChecksum].map(([checksum, environments]) => ({
      dir,
      migration: name,
      current: migration,
      file: migration?.file ?? `${dir.replace(/[\\/]+$/, '')}/${name}.sql`,
      checksum,
      environments,
    }))
  })
}

/** Asks git once for each folder. */
async function traceChanges(changes: readonly Untraced[], cwd: string, deadlineMs: number): Promise<readonly Change[]> {
  // Only where something differs: what starts git is not loaded by a status that is in step.
  const { findVersions } = await import('../sources/git-history.ts')
  const dirs = [...new Set(changes.map(({ dir }) => dir))]
  const traced = await Promise.all(
    dirs.map(async (dir) => {
      const own = changes.filter((change) => change.dir === dir)
      const wanted = own.map(({ file, checksum }) => ({ fileName: file.split('/').at(-1) ?? '', checksum }))
      const answers = await findVersions(dir, cwd, wanted, deadlineMs)
      return own.map((change, index): Change => ({ ...change, provenance: answers[index] ?? UNKNOWN }))
    }),
  )
  return traced.flat()
}

const UNKNOWN = { found: false, gap: 'failed' } as const
