import { expect, test } from 'vitest'
import { readCiRun } from '../../../src/config/ci.ts'

test.each([
  [
    'GitHub Actions',
    {
      GITHUB_SERVER_URL: 'https://github.example',
      GITHUB_REPOSITORY: 'team/shop',
      GITHUB_RUN_ID: '7',
      GITHUB_WORKFLOW: 'migrations',
      GITHUB_JOB: 'deploy',
    },
    { url: 'https://github.example/team/shop/actions/runs/7', job: 'migrations / deploy' },
  ],
  [
    'GitLab',
    { CI_JOB_URL: 'https://ci.example/7', CI_JOB_NAME: 'deploy' },
    { url: 'https://ci.example/7', job: 'deploy' },
  ],
  [
    'Jenkins',
    { BUILD_URL: 'https://ci.example/7', JOB_NAME: 'deploy' },
    { url: 'https://ci.example/7', job: 'deploy' },
  ],
  [
    'CircleCI',
    { CIRCLE_BUILD_URL: 'https://ci.example/7', CIRCLE_JOB: 'deploy' },
    { url: 'https://ci.example/7', job: 'deploy' },
  ],
  ['no CI system', { CI_JOB_NAME: ' ' }, { url: null, job: null }],
  ['a job with a very long name', { CI_JOB_NAME: 'x'.repeat(500) }, { url: null, job: 'x'.repeat(200) }],
])('a run of %s is known by its address and its job', (_system, env, run) => {
  expect(readCiRun(env)).toEqual(run)
})
