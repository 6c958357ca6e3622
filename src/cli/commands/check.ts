import { checkReversible } from '../../commands/check.ts'
import { MigrationManagerError } from '../../core/errors.ts'
import { isBlocking } from '../../core/finding.ts'
import type { Reversal } from '../../runner/reversal.ts'
import { exitOfFindings } from '../exit.ts'
import { renderFindings } from '../output/findings.ts'
import { findingJson } from '../output/json.ts'
import type { Page } from '../output/page.ts'
import { sanitize } from '../output/sanitizer.ts'
import type { RunCommand } from './command.ts'

export const run: RunCommand = async (wired, args) => {
  if (args['reversible'] !== true) {
    throw new MigrationManagerError(
      'usage/nothing-to-check',
      'There is one thing that check does so far, and it has to be said.',
      {
        hint: 'migration-manager check --reversible proves that every migration can be taken back.',
      },
    )
  }
  const { folders, ports } = await wired.rehearsal()
  const { reversals, findings } = await checkReversible(folders, ports)
  return {
    exitCode: exitOfFindings(findings),
    json: () => ({
      status: findings.some(isBlocking) ? 'blocked' : 'checked',
      migrations: reversals.map(({ migration, status }) => ({ name: migration, status })),
      findings: findings.map(findingJson),
    }),
    summary: { files: new Map(reversals.map(({ migration, file }) => [migration, file])), findings, errors: [] },
    text: (page) =>
      [renderFindings(findings, page), reversals.map((reversal) => renderReversal(reversal, page)).join('\n')]
        .filter((part) => part !== '')
        .join('\n\n') || 'There is no migration to check.',
  }
}

const SIGNS = {
  reversible: ['good', '✓', 'up, down and up again'],
  irreversible: ['warn', '·', 'no rollback'],
  failed: ['bad', '✗', 'cannot be taken back as it was'],
  untried: ['dim', '?', 'not tried'],
} as const

function renderReversal({ migration, status, findings }: Reversal, page: Page): string {
  const [style, sign, general] = SIGNS[status]
  // It never came to its rollback.
  const words = findings.some(({ code }) => code === 'rehearsal/failed') ? 'fails on a fresh database' : general
  return `${page.paint(style, sign)} ${page.paint('strong', sanitize(migration))}  ${words}`
}
