import { ProblemsError } from '../core/errors.ts'
import type { Problem } from '../core/errors.ts'
import { enumerate } from './excerpt.ts'
import { takingPart } from './participants.ts'
import { migrationsDirs, sharedFolder } from './resolution.ts'
import type { Sources } from './resolution.ts'
import { readSelection } from './selection.ts'

/**
 * The folder that a new migration file belongs into: that of the environments which `--env` chose; without it the shared
 * one, unless nobody uses it and `--dir` was not given. Needs the names of the environments alone, so that a connection
 * string that cannot be read is in nobody's way. Throws a `ProblemsError` where the choice is the person's.
 */
export function folderForNew(sources: Sources): string {
  const { only, dir } = sources
  // A database of an environment with many has the folder of its environment.
  const owners = only?.flatMap((list) => list.split(',')).map((item) => item.split('/')[0] ?? '')
  // What is wrong with the environments is nothing to a file; what is wrong with the choice of the folder is.
  const ofEnvironments: Problem[] = []
  const participants = takingPart(sources, { isNeeded: () => false }, ofEnvironments)
  const names = participants.names.filter((name) => !participants.leftOut.has(name) || owners?.includes(name) === true)
  const isFatal = only !== undefined && names.length === 0
  const problems: Problem[] = [
    ...sources.problems,
    ...ofEnvironments.filter(({ code }) => isFatal || code === 'config/unknown-variable'),
  ]
  const isSelected = readSelection(owners, names, new Map(), problems)
  const dirOf = migrationsDirs(sources, problems)
  const [first, ...others] = problems
  if (first !== undefined) throw new ProblemsError([first, ...others])
  const byDir = new Map<string, string>()
  for (const name of names.filter((each) => isSelected(each, null))) {
    const { migrationsDir } = dirOf(name)
    if (!byDir.has(migrationsDir)) byDir.set(migrationsDir, name)
  }
  // What is wrong with it was said with the folders of the environments.
  const shared = sharedFolder(sources, [])
  if (only === undefined && (dir !== undefined || byDir.has(shared))) return shared
  const [folder, ...more] = byDir.keys()
  if (more.length === 0) return folder ?? shared
  throw new ProblemsError([ambiguous(byDir)])
}

/** `byDir` names one environment of each folder. */
function ambiguous(byDir: ReadonlyMap<string, string>): Problem {
  const choices = [...byDir].map(([folder, name]) => `--env ${name} (${folder})`)
  return {
    code: 'config/ambiguous-folder',
    message: `The migration could belong into several folders: ${enumerate([...byDir.keys()])}.`,
    hint: `Say for whom it is: ${enumerate(choices)}.`,
  }
}
