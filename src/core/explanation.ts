import type { Finding } from './finding.ts'
import { describeGap, describeVersion, restoreCommand, SEARCH } from './provenance.ts'
import type { Change, GitGap } from './provenance.ts'
import { quoted } from './shell.ts'

/** The findings about files that are not what ran, with what git knows of that, and the exact way back. */
export function explainFindings(findings: readonly Finding[], changes: readonly Change[]): readonly Finding[] {
  return findings.map((finding) => {
    const { code, environment = '', migration, message, hint = '' } = finding
    const change = changes.find((each) => each.migration === migration && each.environments.includes(environment))
    if (change === undefined || !EXPLAINED.has(code)) return finding
    const { provenance, file } = change
    const searches = [SEARCH.edited(file), SEARCH.gone(change.migration)]
    if (!provenance.found) {
      // To look with git is no advice where git has just said that there is nothing to find.
      const known = NOTHING_TO_FIND.has(provenance.gap) ? searches.map((search) => ` (${search})`) : []
      const kept = known.reduce((text, search) => text.replace(search, ''), hint)
      const advice = code === 'history/changed' && NO_VERSION.has(provenance.gap) ? `${kept} ${asDraft(finding)}` : kept
      return {
        ...finding,
        provenance,
        message: `${message} ${describeGap(provenance.gap)}`,
        hint: finding.hint === undefined ? undefined : advice,
      }
    }
    const back = restoreCommand(provenance.version, file)
    const exact = searches.reduce((text, search) => text.replace(search, () => back), hint)
    const look =
      change.current === null
        ? ''
        : `See the difference: migration-manager history --migration ${quoted(change.migration)} --diff. `
    return {
      ...finding,
      provenance,
      message: `${message} What ran in ${environment} is ${describeVersion(provenance.version)}.`,
      hint: `${look}${exact}`,
    }
  })
}

const NOTHING_TO_FIND: ReadonlySet<GitGap> = new Set(['no-git', 'no-repository', 'not-trusted', 'not-committed'])

/** Git has answered that nobody ever committed what ran. */
const NO_VERSION: ReadonlySet<GitGap> = new Set(['not-committed', 'no-repository'])

/** The way out of who has applied a draft. */
function asDraft({ migration = '', environment }: Finding): string {
  return `If what ran did nothing (an empty file), or you have undone it by hand, say that it is not applied: migration-manager repair mark-not-applied ${quoted(migration)} --env ${environment} --reason "…". Then sync runs the file as it is now.`
}

const EXPLAINED: ReadonlySet<string> = new Set([
  'history/changed',
  'history/missing-file',
  'history/differs-between-environments',
  // Where the file was edited after it was begun.
  'history/unfinished',
])
