import type { Finding } from './finding.ts'
import { describeGap, describeVersion, restoreCommand, SEARCH } from './provenance.ts'
import type { Change } from './provenance.ts'
import { quoted } from './shell.ts'

/** The findings about files that are not what ran, with what git knows of that, and the exact way back. */
export function explainFindings(findings: readonly Finding[], changes: readonly Change[]): readonly Finding[] {
  return findings.map((finding) => {
    const { code, environment = '', migration, message, hint = '' } = finding
    const change = changes.find((each) => each.migration === migration && each.environments.includes(environment))
    if (change === undefined || !EXPLAINED.has(code)) return finding
    const { provenance, file } = change
    if (!provenance.found) return { ...finding, provenance, message: `${message} ${describeGap(provenance.gap)}` }
    const back = restoreCommand(provenance.version, file)
    const exact = [SEARCH.edited(file), SEARCH.gone(change.migration)].reduce(
      (text, search) => text.replace(search, () => back),
      hint,
    )
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

const EXPLAINED: ReadonlySet<string> = new Set([
  'history/changed',
  'history/missing-file',
  'history/differs-between-environments',
  // Where the file was edited after it was begun.
  'history/unfinished',
])
