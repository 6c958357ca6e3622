import { createMigration } from '../../commands/new.ts'
import { readAuthor } from '../../sources/git-author.ts'
import { EXIT } from '../exit.ts'
import type { RunCommand } from './command.ts'

export const run: RunCommand = async (wired, args) => {
  const words = args['description']
  const description = Array.isArray(words) ? words.map(String).join(' ') : ''
  const [dir, author] = await Promise.all([wired.newFolder(), readAuthor(wired.cwd)])
  const { file, name } = await createMigration({ description, dir, cwd: wired.cwd, now: new Date(), author })
  return {
    exitCode: EXIT.done,
    json: () => ({ file, name }),
    text: (page) => `${page.paint('good', '+')} ${file}`,
  }
}
