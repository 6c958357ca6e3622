/** The run of a CI system that this process is part of, as the larger ones tell it. */
export interface CiRun {
  /** Its address, for people. */
  readonly url: string | null
  /** The name of the job. */
  readonly job: string | null
}

/** Reads GitHub Actions, GitLab, Jenkins and CircleCI. */
export function readCiRun(env: NodeJS.ProcessEnv): CiRun {
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository, GITHUB_RUN_ID: id } = env
  if (server !== undefined && repository !== undefined && id !== undefined) {
    const job = [env['GITHUB_WORKFLOW'], env['GITHUB_JOB']].filter((part) => part !== undefined)
    return { url: `${server}/${repository}/actions/runs/${id}`, job: nameOf(job.join(' / ')) }
  }
  return {
    url: env['CI_JOB_URL'] ?? env['BUILD_URL'] ?? env['CIRCLE_BUILD_URL'] ?? null,
    job: nameOf(env['CI_JOB_NAME'] ?? env['JOB_NAME'] ?? env['CIRCLE_JOB'] ?? ''),
  }
}

/** The name goes into every row of the log. */
const LONGEST_NAME = 200

function nameOf(text: string): string | null {
  // PostgreSQL keeps no NUL, and half of a surrogate pair is no text.
  const name = [...text.trim()].slice(0, LONGEST_NAME).join('')
  return name === '' ? null : name
}
