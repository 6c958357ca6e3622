import type { Finding } from './finding.ts'
import type { Migration } from './migration.ts'

/** Histories of other tools that can be taken over. */
export const ADOPTION_SOURCES = ['wrangler', 'schema-version'] as const

export type AdoptionSource = (typeof ADOPTION_SOURCES)[number]

/** One row of another tool's history, against the files and the live schema. */
export interface Claim {
  /** What the other tool calls it. */
  readonly name: string
  /** When it says that it ran; null where it does not say. */
  readonly appliedAt: Date | null
  /** The file that it is about; null when there is none. */
  readonly migration: Migration | null
  /** What speaks against it, each as half a sentence: `there is no table users`; empty when the schema bears it out. */
  readonly doubts: readonly string[]
  /** Whether the live schema can say anything of the file: one that only fills tables leaves nothing to look for. */
  readonly isTellable: boolean
}

/** A claim that is taken over. */
export interface Adoption {
  readonly migration: Migration
  /** When the other tool says that it ran. */
  readonly appliedAt: Date | null
}

/** What stands in the way of taking these claims over, and what a person should know of them. */
export function findUnborneClaims(
  environment: string,
  source: AdoptionSource,
  claims: readonly Claim[],
): readonly Finding[] {
  return claims.flatMap(({ name, migration, doubts, isTellable }): Finding[] => {
    if (migration === null) {
      return [
        {
          code: 'adopt/no-file',
          severity: 'block',
          environment,
          migration: name,
          message: `${source} says that ${name} is applied in ${environment}, but there is no such file.`,
          hint: 'Put the file into the folder of migrations, as it ran.',
        },
      ]
    }
    const about = { environment, migration: migration.name } as const
    if (doubts.length > 0) {
      return [
        {
          code: 'adopt/not-borne-out',
          severity: 'block',
          ...about,
          message: `${source} says that ${name} is applied in ${environment}, but ${doubts.join(', ')}.`,
          hint: `Look at what happened to it. When the database is as ${migration.file} says, or the claim is gone, run adopt again.`,
        },
      ]
    }
    if (isTellable) return []
    return [
      {
        code: 'adopt/not-tellable',
        severity: 'info',
        ...about,
        message: `Nothing in the schema of ${environment} tells whether ${name} ran: it makes no table, column, index, trigger or view that is still there, and takes none away.`,
        hint: `A line -- verify: SELECT … in ${migration.file} would tell. The word of ${source} is taken for it.`,
      },
    ]
  })
}
