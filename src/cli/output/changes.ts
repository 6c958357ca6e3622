import type { ChangeReport } from '../../commands/changes.ts'
import { describeGap, describeVersion } from '../../core/provenance.ts'
import { provenanceJson } from './json.ts'
import type { Json } from './json.ts'
import { wrap } from './page.ts'
import type { Page } from './page.ts'
import { sanitize } from './sanitizer.ts'

/** Each version that ran and is not on disk: where, its commit, and how it differs; empty when nobody asked. */
export function renderChanges(changes: readonly ChangeReport[] | null, page: Page): string {
  if (changes === null) return ''
  if (changes.length === 0) return page.paint('good', 'Every file is what ran.')
  return changes.map((change) => renderChange(change, page)).join('\n\n')
}

function renderChange({ file, environments, provenance, current, diff }: ChangeReport, page: Page): string {
  // Not the head of a patch: `---` is what a comment looks like that was taken out.
  const line = (style: 'bad' | 'good', text: string): string =>
    `  ${page.paint(style, wrap(sanitize(page.redact(text)), page.width, '    '))}`
  const ran = provenance.found ? describeVersion(provenance.version) : describeGap(provenance.gap)
  const now = current === null ? 'gone' : 'what is on disk'
  return [
    page.paint('strong', sanitize(page.redact(file))),
    line('bad', `- ${environments.join(', ')}: ${ran}`),
    line('good', `+ now: ${now}`),
    ...(provenance.found && current !== null
      ? [diff === null ? 'The difference could not be made.' : paintDiff(diff, page)]
      : []),
  ].join('\n')
}

const MARKS: Readonly<Record<string, 'good' | 'bad' | 'note'>> = { '+': 'good', '-': 'bad', '@': 'note' }

function paintDiff(diff: string, page: Page): string {
  return page
    .redact(diff)
    .split('\n')
    .map((line) => {
      const style = MARKS[line[0] ?? '']
      const text = sanitize(line, { multiline: true })
      return style === undefined ? text : page.paint(style, text)
    })
    .join('\n')
}

/** The stable JSON form of what was asked for with `--diff`. */
export function changesJson(changes: readonly ChangeReport[] | null): Json {
  if (changes === null) return {}
  return {
    changes: changes.map(({ migration, file, checksum, environments, provenance, diff }) => ({
      migration,
      file,
      checksum,
      environments,
      git: provenanceJson(provenance),
      diff,
    })),
  }
}
