import { verify } from '../../commands/verify.ts'
import type { VerifiedEnvironment } from '../../commands/verify.ts'
import { ProblemsError } from '../../core/errors.ts'
import { isBlocking } from '../../core/finding.ts'
import { exitOfError, exitOfFindings } from '../exit.ts'
import { errorJson, renderErrors } from '../output/errors.ts'
import { renderFindings } from '../output/findings.ts'
import { EMPTY_SHARD, tellFew } from '../output/fleet.ts'
import type { Remark } from '../output/fleet.ts'
import { findingJson, fleetKey } from '../output/json.ts'
import type { Json } from '../output/json.ts'
import { count } from '../output/page.ts'
import type { Page } from '../output/page.ts'
import { allowArgument } from './command.ts'
import type { RunCommand } from './command.ts'

export const run: RunCommand = async (wired, args) => {
  const report = await verify(await wired.project(), { allow: allowArgument(args) }, wired.emit, wired.signal)
  const { environments, findings } = report
  const errors = environments.flatMap((asked) => (asked.isReachable ? [] : [asked.error]))
  const [first, ...rest] = errors
  return {
    exitCode: Math.max(
      exitOfFindings(findings),
      first === undefined ? 0 : exitOfError(new ProblemsError([first, ...rest])),
    ),
    json: () => ({
      status: first !== undefined ? 'failed' : findings.some(isBlocking) ? 'blocked' : 'verified',
      environments: environments.map(environmentJson),
      findings: findings.map(findingJson),
    }),
    summary: { files: report.files, findings, errors },
    text: (page) =>
      [
        environments.length === 0 ? EMPTY_SHARD : '',
        renderFindings(findings, page),
        tellFew(
          environments.map((asked) => describeEnvironment(asked, page)),
          page,
        ).join('\n'),
        ...renderErrors(errors, page),
      ]
        .filter((part) => part !== '')
        .join('\n\n'),
  }
}

function environmentJson(asked: VerifiedEnvironment): Json {
  const { name, engine } = asked.environment
  if (!asked.isReachable)
    return { name, ...fleetKey(name), engine, reachable: false, queries: [], error: errorJson(asked.error) }
  return {
    name,
    ...fleetKey(name),
    engine,
    reachable: true,
    queries: asked.verification.answers.map(({ migration, query, at, isTrue, problem }) => ({
      migration,
      query,
      file: at.file,
      line: at.line,
      column: at.column,
      holds: isTrue,
      problem,
    })),
    error: null,
  }
}

function describeEnvironment(asked: VerifiedEnvironment, page: Page): Remark {
  const environment = asked.environment.name
  const name = page.paint('strong', environment)
  if (!asked.isReachable)
    return { environment, kind: 'unreachable', text: `${page.paint('bad', '✗')} ${name}  could not be asked` }
  const { answers, damage } = asked.verification
  const failed = answers.filter(({ isTrue }) => isTrue !== true).length
  const isGood = failed === 0 && damage.length === 0
  const said = [
    answers.length === 0
      ? 'no verify query'
      : failed === 0
        ? describeHolding(answers.length)
        : `${failed} of ${answers.length} verify queries ${failed === 1 ? 'does' : 'do'} not hold`,
    damage.length === 0 ? 'nothing damaged' : `${count(damage.length, 'object')} damaged`,
  ]
  const text = `${page.paint(isGood ? 'good' : 'bad', isGood ? '✓' : '✗')} ${name}  ${said.join(', ')}`
  return { environment, kind: said.join(', '), text }
}

function describeHolding(queries: number): string {
  return queries === 1 ? 'the one verify query holds' : `all ${queries} verify queries hold`
}
