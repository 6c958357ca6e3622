import { callGit } from './git-process.ts'

/** The name that git signs commits with, or null. */
export async function readAuthor(cwd: string): Promise<string | null> {
  const answer = await callGit({ cwd, args: ['config', 'user.name'], deadlineMs: 2_000 })
  const name = answer.ok ? answer.stdout.toString('utf8').trim() : ''
  return name === '' ? null : name
}
