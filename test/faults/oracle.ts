import type { Observation } from './observation.ts'
import type { Effects, Scenario } from './scenario.ts'

/** How a run of the command line ended: exit code (null: killed) and what it said. */
export interface Saying {
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
  /** It did not end by itself in a long time. */
  readonly isHung: boolean
}

/** By environment name. */
export type Observations = Readonly<Record<string, Observation>>

/** How much of a migration is in a database. */
export type Presence = 'none' | 'part' | 'whole'

export function presenceOf(effects: Effects, seen: Observation): Presence {
  const signs = [
    ...(effects.markers ?? []).map((marker) => (seen.markers[marker] ?? 0) > 0),
    ...(effects.indexes ?? []).map((index) => seen.indexes.includes(index)),
    ...(effects.droppedIndexes ?? []).map((index) => ![...seen.indexes, ...seen.brokenIndexes].includes(index)),
    ...(effects.labels ?? []).map((label) => seen.labels.includes(label)),
  ]
  if (signs.every((sign) => sign)) return 'whole'
  return signs.some((sign) => sign) ? 'part' : 'none'
}

/** What must hold in every database at every moment, whatever was cut or killed. Returns what does not, as sentences. */
export function judgeState(scenario: Scenario, seen: Observations): readonly string[] {
  return Object.entries(seen).flatMap(([environment, observation]) => {
    const problems: string[] = []
    for (const [marker, times] of Object.entries(observation.markers)) {
      if (times > 1) problems.push(`${environment}: ${marker} took effect ${times} times`)
    }
    for (const [name, effects] of Object.entries(scenario.effects)) {
      const presence = presenceOf(effects, observation)
      const row = observation.history?.find((candidate) => candidate.name === name)
      problems.push(...judgeReverted(scenario, environment, name, observation))
      if (row?.status === 'applied' && presence !== 'whole') {
        problems.push(`${environment}: ${name} counts as applied, but of its effect there is ${presence}`)
      }
      if (scenario.stepwise.has(name)) {
        if (row === undefined && presence !== 'none')
          problems.push(`${environment}: ${name} left something behind (${presence}), and no row`)
        continue
      }
      if (row?.status === 'started')
        problems.push(`${environment}: ${name} runs in a transaction, and its row says started`)
      if (row === undefined && presence !== 'none')
        problems.push(`${environment}: ${name} took effect (${presence}), and there is no row`)
    }
    const applied = observation.history?.filter(({ status }) => status === 'applied').length ?? 0
    if (scenario.isAtomic === true && applied > 0 && applied < Object.keys(scenario.effects).length)
      problems.push(`${environment}: ${applied} migrations of an atomic sync are applied, and not all`)
    if (observation.brokenLinks > 0) problems.push(`${environment}: the chain of the log is broken`)
    return problems
  })
}

/** What a rollback leaves is there as a whole exactly where the effect that it takes back is not. */
function judgeReverted(scenario: Scenario, environment: string, name: string, seen: Observation): readonly string[] {
  const reverted = scenario.reverted?.[name]
  const row = seen.history?.find((candidate) => candidate.name === name)
  if (reverted === undefined || (scenario.stepwise.has(name) && row?.status === 'started')) return []
  const [there, back] = [presenceOf(scenario.effects[name] ?? {}, seen), presenceOf(reverted, seen)]
  if (there === 'whole' ? back === 'none' : there === 'none' && back === 'whole') return []
  return [`${environment}: of the effect of ${name} there is ${there}, and of its rollback ${back}`]
}

/** Whether a migration is where the command wants it: applied, or taken back. */
function isBrought(scenario: Scenario, name: string, seen: Observation): boolean {
  const row = seen.history?.find((candidate) => candidate.name === name)
  return scenario.command === 'rollback' ? row === undefined : row?.status === 'applied'
}

/** The words for it. */
function wordsOf({ command }: Scenario): { readonly done: string; readonly event: string } {
  return command === 'rollback' ? { done: 'taken back', event: 'rollback' } : { done: 'applied', event: 'apply' }
}

/** What `--json` prints, as far as the oracle looks at it. */
export interface Report {
  readonly status?: string
  readonly environments?: readonly Outcome[]
}

/** Null when it is not exactly one JSON object. */
export function readReport(stdout: string): Report | null {
  try {
    const report: Report = JSON.parse(stdout)
    return report
  } catch {
    return null
  }
}

interface Outcome {
  readonly name: string
  readonly status: string
  readonly done: readonly { readonly name: string }[]
  readonly failed: {
    readonly name: string
    readonly error: { readonly code: string; readonly message: string; readonly hint: string | null }
  } | null
  readonly left: readonly { readonly name: string }[]
  /** Of `init`. */
  readonly error?: { readonly code: string } | null
}

/** The databases before and after a run. */
export interface Change {
  readonly before: Observations
  readonly after: Observations
  /** An earlier run was killed, or could not tell its end: what it had sent may have been committed since. */
  readonly mayHoldOthersWork: boolean
}

/** Whether what a run said was true: of what it changed, and in its exit code. */
export function judgeWords(scenario: Scenario, said: Saying, change: Change): readonly string[] {
  if (said.isHung) return ['it hung']
  // Killed: whatever it had said so far is not a whole sentence.
  if (said.exitCode === null) return []
  const json = readReport(said.stdout)
  if (json === null) return [`stdout is not one JSON object: ${said.stdout.slice(0, 2000)}`]
  const problems: string[] = []
  const { status = '', environments = [] } = json
  const isGood = ['applied', 'up-to-date'].includes(status)
  if (said.exitCode !== null && said.exitCode < 128 && isGood !== (said.exitCode === 0))
    problems.push(`exit code ${said.exitCode} with status ${status}`)
  const saysUnknown = status === 'unknown' || environments.some(({ error }) => error?.code === 'outcome/unknown')
  if (saysUnknown !== (said.exitCode === 7)) problems.push(`exit code ${said.exitCode} with status ${status}`)
  // 5 is not among them: nobody else was at work.
  if (![0, 1, 7, 130, 143].includes(said.exitCode)) problems.push(`exit code ${said.exitCode}`)
  if (status === 'error') return [...problems, ...judgeNothingDone(change)]
  return [
    ...problems,
    ...environments.flatMap((outcome) =>
      scenario.command === 'init' ? judgeInit(outcome, change.after) : judgeOutcome(scenario, outcome, change),
    ),
  ]
}

/** An error that names no environment says that nothing was written. */
function judgeNothingDone({ before, after, mayHoldOthersWork }: Change): readonly string[] {
  if (mayHoldOthersWork) return []
  return Object.keys(after)
    .filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]))
    .map((name) => `${name} was written to, and the run said only that it failed`)
}

function judgeInit(outcome: Outcome, after: Observations): readonly string[] {
  const isReady = after[outcome.name]?.log.some(({ event }) => event === 'init') === true
  if (outcome.error?.code === 'outcome/unknown') return []
  const saysReady = ['initialised', 'up-to-date'].includes(outcome.status)
  if (saysReady && !isReady) return [`${outcome.name} is said to be ${outcome.status}, and is not initialised`]
  if (!saysReady && isReady) return [`${outcome.name} is said to be ${outcome.status}, and is initialised`]
  return []
}

function judgeOutcome(
  scenario: Scenario,
  { name: environment, done, failed, left }: Outcome,
  { before, after, mayHoldOthersWork }: Change,
): readonly string[] {
  const problems: string[] = []
  const [old, now] = [before[environment], after[environment]]
  if (old === undefined || now === undefined) return [`${environment} is not an environment of this run`]
  const { done: doneWord, event } = wordsOf(scenario)
  for (const { name } of done) {
    if (!isBrought(scenario, name, now))
      problems.push(`${environment}: ${name} is said to be done, and is not ${doneWord}`)
    if (isBrought(scenario, name, old))
      problems.push(`${environment}: ${name} is said to be done, and was ${doneWord} before`)
  }
  const saidDone = new Set(done.map(({ name }) => name))
  const isUnknown = failed?.error.code === 'outcome/unknown'
  for (const name of Object.keys(scenario.effects)) {
    const runOf = (migration: string): string | undefined =>
      now.log.findLast((entry) => entry.event === event && entry.migration === migration)?.run
    const isOthers = mayHoldOthersWork && !done.some((step) => runOf(step.name) === runOf(name))
    const isNew = isBrought(scenario, name, now) && !isBrought(scenario, name, old) && !isOthers
    // What was in flight with the one that is unknown is unknown as well, and listed behind it.
    if (isNew && !saidDone.has(name) && !isUnknown)
      problems.push(`${environment}: ${name} was ${doneWord}, and is not said to be done`)
  }
  for (const { name } of left) {
    if (isBrought(scenario, name, now) && !isUnknown)
      problems.push(`${environment}: ${name} is said to be left, and is ${doneWord}`)
  }
  // Whoever is told to sync after a rollback that stopped gets back what is to go.
  if (scenario.command === 'rollback' && /\bsync\b|is applied/i.test(failed?.error.hint ?? ''))
    problems.push(`${environment}: the hint is not one for a rollback: ${failed?.error.hint}`)
  if (isUnknown && /as a whole/.test(failed?.error.hint ?? '') && scenario.stepwise.has(failed?.name ?? ''))
    problems.push(`${environment}: ${failed?.name} is said to be applied as a whole or not at all, and has steps`)
  if (failed !== null && !isUnknown) problems.push(...judgeFailure(scenario, environment, failed, now))
  return problems
}

function judgeFailure(
  scenario: Scenario,
  environment: string,
  { name, error }: NonNullable<Outcome['failed']>,
  now: Observation,
): readonly string[] {
  const presence = presenceOf(scenario.effects[name] ?? {}, now)
  const row = now.history?.find((candidate) => candidate.name === name)
  const hint = error.hint ?? ''
  if (scenario.command === 'rollback' && row?.status !== 'started')
    return presence === 'whole'
      ? []
      : [`${environment}: ${name} is said not to be taken back, and is there (${presence})`]
  if (!scenario.stepwise.has(name)) {
    return presence === 'none' ? [] : [`${environment}: ${name} is said to have failed, and is there (${presence})`]
  }
  const steps = /Steps? 1 to (?<steps>\d+) of/.exec(hint)?.groups?.['steps']
  if (/rolled back/.test(hint) && (presence !== 'none' || row !== undefined))
    return [`${environment}: ${name} is said to be rolled back, and is there (${presence})`]
  // A row on its way back counts from -1 down.
  const step = row?.step ?? 0
  const done = step < 0 ? -1 - step : step
  if (steps !== undefined && done < Number(steps))
    return [`${environment}: ${steps} steps of ${name} are said to be done, and ${done} are`]
  return []
}

/** What must hold when all has come to its end. */
export function judgeEnd(scenario: Scenario, seen: Observations): readonly string[] {
  return Object.entries(seen).flatMap(([environment, observation]) => {
    const problems: string[] = []
    const isBack = scenario.command === 'rollback'
    for (const [name, effects] of Object.entries(scenario.effects)) {
      const presence = presenceOf(effects, observation)
      if (presence !== (isBack ? 'none' : 'whole'))
        problems.push(`${environment}: of ${name} there is ${presence} in the end`)
      for (const event of isBack ? ['apply', 'rollback'] : ['apply']) {
        const times = observation.log.filter((entry) => entry.event === event && entry.migration === name).length
        if (times !== 1) problems.push(`${environment}: the log has ${times} times the event ${event} of ${name}`)
      }
    }
    const names = isBack ? [] : Object.keys(scenario.effects).toSorted()
    const applied = (observation.history ?? []).filter(({ status }) => status === 'applied').map(({ name }) => name)
    if (JSON.stringify(applied) !== JSON.stringify(names))
      problems.push(`${environment}: the history says ${applied.join(', ')}`)
    if (observation.history?.some(({ status }) => status === 'started') === true)
      problems.push(`${environment}: a row says started in the end`)
    const registered = observation.log.filter(({ event }) => event === 'init').map((entry) => entry.environment)
    if (JSON.stringify(registered) !== JSON.stringify([environment]))
      problems.push(`${environment}: it is registered as ${registered.join(', ') || 'nothing'}`)
    for (const index of observation.brokenIndexes) problems.push(`${environment}: the index ${index} is not valid`)
    return problems
  })
}

/** Every form in which a secret could be seen. */
export function judgeSecrecy(secrets: readonly string[], said: Saying): readonly string[] {
  const text = said.stdout + said.stderr
  return secrets
    .flatMap((secret) => [
      secret,
      encodeURIComponent(secret),
      Buffer.from(secret).toString('base64').replace(/=+$/, ''),
    ])
    .filter((form) => text.includes(form))
    .map(() => 'a secret is in the output')
}
