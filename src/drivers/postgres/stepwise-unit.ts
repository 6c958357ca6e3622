import { reach } from '../../core/kill-point.ts'
import { readMeaning } from '../../sql/meaning.ts'
import { startOfUnit } from '../../sql/steps.ts'
import type { Unit } from '../../sql/steps.ts'
import { describeStatementFailure, undecidableError } from './failure.ts'
import { isSameIndex } from './index-definition.ts'
import { isLoss } from './link.ts'
import { composeFailure, utf16Offset } from './message.ts'
import { GUARD, silenceOf } from './message-context.ts'
import { postConditionOf } from './postcondition.ts'
import { REFUSED } from './resumption.ts'
import { isTransient, waitToRetry } from './run.ts'
import type { Run } from './run.ts'
import { ServerFailure } from './session-failure.ts'
import type { ServerError } from './session-failure.ts'
import { clear, isTellable, look, send, tidy, UNFINISHED, verify } from './standing.ts'
import { interrupted, verbOf, workOf } from './stepwise-end.ts'
import type { StepwiseEnd, StepwisePart } from './stepwise-end.ts'
import { saveStep, unitMessage, withdrawMessage } from './stepwise-message.ts'

/** Which of the units it is. */
export interface Place {
  readonly index: number
  /** An earlier run, or this one before it lost its connection, may have sent this unit already. */
  readonly isInDoubt: boolean
}

/** Does one unit and saves it, with retries; returns null when it is done, or how the migration ended. */
export async function carryOutUnit(
  run: Run,
  part: StepwisePart,
  unit: Unit,
  place: Place,
): Promise<StepwiseEnd | null> {
  const doubt = { isRaised: place.isInDoubt }
  for (let attempt = 0; ; attempt++) {
    if (run.signal.aborted) return interrupted(run, part, place.index)
    try {
      if (unit.kind !== 'alone') return await doTogether(run, part, unit, place)
      return await doAlone(run, part, unit, place.index, doubt)
    } catch (cause) {
      if (isLoss(cause) || !(cause instanceof ServerFailure)) throw cause
      const { code, message } = cause.server
      if (code === GUARD.stale) throw cause
      // What may have committed a part before it failed is not done a second time.
      const mayRepeat = unit.kind !== 'alone' || (await isTellable(textOf(part, unit)))
      if (run.signal.aborted) {
        const note = !mayRepeat && cause instanceof UnitFailure ? lookNote(run, part, place.index) : undefined
        return interrupted(run, part, place.index, note)
      }
      if (isTransient(code) && mayRepeat && attempt < run.context.limits.lockRetries) {
        await send(run, 'ROLLBACK')
        await waitToRetry(run, part.migration.name, message, attempt + 1)
        continue
      }
      return fail(run, part, unit, place.index, cause)
    }
  }
}

/** Statements that share a transaction, and the step that says so. */
async function doTogether(
  run: Run,
  part: StepwisePart,
  unit: Exclude<Unit, { kind: 'alone' }>,
  { index }: Place,
): Promise<null> {
  const { text, spans } = unitMessage(run.context, workOf(part), unit, index)
  try {
    await send(run, text, part.migration.name)
    return null
  } catch (cause) {
    if (!(cause instanceof ServerFailure) || cause.server.position === null) throw cause
    const offset = utf16Offset(text, cause.server.position)
    const span = spans.findLast(({ messageStart }) => messageStart <= offset)
    throw span === undefined ? cause : new UnitFailure(cause, span.fileStart + offset - span.messageStart)
  }
}

/**
 * A statement that must stand alone: what it is for is looked at before and after, because nothing else proves it. What
 * is so may be its work once `doubt` is raised: it has been sent, and was not so before.
 */
async function doAlone(
  run: Run,
  part: StepwisePart,
  unit: Extract<Unit, { kind: 'alone' }>,
  index: number,
  doubt: { isRaised: boolean },
): Promise<StepwiseEnd | null> {
  const { migration, units } = part
  const text = textOf(part, unit)
  const meaning = await readMeaning(text)
  const condition = postConditionOf(meaning)
  const save = (): Promise<null> => saveDone(run, part, index)

  const before = await clear(run, condition)
  reach('looked')
  const isSoAlready = before === 'done' && !condition.isRepeatable
  // Without doubt the server is asked, and says what is wrong; only an index is looked at, by its definition.
  if (isSoAlready && meaning.kind === 'create-index') {
    const { link, context } = run
    const isSame = await isSameIndex(link.session, text, meaning.table, meaning.index, silenceOf(context))
    if (isSame === false) throw new ServerFailure(anotherIndex(meaning.index))
    // Where that cannot be told, the server is asked as well, unless it may be what was made before.
    if (isSame === true || doubt.isRaised) return save()
  } else if (isSoAlready && doubt.isRaised) {
    return save()
  }
  if (condition.query === null && !condition.isRepeatable && doubt.isRaised) {
    const answer = await verify(run, part)
    if (answer === true) return save()
    // A query about the whole file is false, too, because what comes behind this step is missing.
    if (answer === null || (!answer && index < units.length - 1)) {
      return {
        kind: 'needs-person',
        error: undecidableError(run, part, index, unit.statement.start),
        isResumable: true,
      }
    }
  }
  if (run.signal.aborted) return interrupted(run, part, index)
  doubt.isRaised ||= !isSoAlready
  reach('stepping')
  try {
    await send(run, text, migration.name)
  } catch (cause) {
    if (!(cause instanceof ServerFailure) || isLoss(cause)) throw cause
    const { position } = cause.server
    const offset = unit.statement.start + (position === null ? 0 : utf16Offset(text, position))
    throw new UnitFailure(cause, offset, !doubt.isRaised)
  }
  // IF NOT EXISTS over an invalid index "succeeds"; so may a statement that was overtaken.
  reach('stepped')
  const after = await look(run, condition)
  if (after === 'half' || after === 'busy')
    throw new ServerFailure({ ...UNFINISHED, message: `${unit.what} left something unfinished behind` })
  return save()
}

function anotherIndex(name: string): ServerError {
  const message = `there is already another index ${name}, with another definition`
  return { code: '42P07', message, hint: null, position: null, constraint: null, isFatal: false }
}

/** Says that a step is done; it is, so nothing but this is tried again. */
async function saveDone(run: Run, part: StepwisePart, index: number): Promise<null> {
  for (let attempt = 1; ; attempt++) {
    try {
      await send(run, saveStep(run.context, workOf(part), index))
      return null
    } catch (cause) {
      const isTemporary = cause instanceof ServerFailure && isTransient(cause.server.code)
      if (!isTemporary || attempt > run.context.limits.lockRetries) throw cause
      await send(run, 'ROLLBACK')
      await waitToRetry(run, part.migration.name, cause.server.message, attempt)
    }
  }
}

/** What the server said to a statement of the file, at its place in the file. */
class UnitFailure extends ServerFailure {
  /** A UTF-16 offset in the file. */
  readonly offset: number
  /** What the statement is for was so before it was sent: it has changed nothing, and it is not its work. */
  readonly isRefused: boolean

  constructor(cause: ServerFailure, offset: number, isRefused = false) {
    super(cause.server)
    this.offset = offset
    this.isRefused = isRefused
  }
}

/** Stops at a unit: a claim under which nothing was done is taken back, all else stays for the next run. */
async function fail(
  run: Run,
  part: StepwisePart,
  unit: Unit,
  index: number,
  cause: ServerFailure,
): Promise<StepwiseEnd> {
  const { context, emit } = run
  const { migration, source, units } = part
  emit({ type: 'migration-failed', environment: context.environment, migration: migration.name })
  const isUntouched = units.slice(0, index).every(({ kind }) => kind === 'setting')
  await send(run, 'ROLLBACK')
  const isRefused = cause instanceof UnitFailure && cause.isRefused
  const tidied = unit.kind !== 'alone' || isRefused || (await tidy(run, textOf(part, unit), cause))
  const isTold = unit.kind !== 'alone' || (await isTellable(textOf(part, unit)))
  const note = !isTold
    ? lookNote(run, part, index)
    : isUntouched && tidied
      ? undefined
      : `${index === 0 ? 'None of its steps is done.' : `Steps 1 to ${index} of ${units.length} are done.`} Mend what stopped it and run ${verbOf(part)} again: it goes on at step ${index + 1}.`
  if (isUntouched && tidied) await send(run, withdrawMessage(context, workOf(part)))
  const detail = { code: cause.server.code, ...(isRefused ? REFUSED : {}) }
  await send(run, composeFailure(context, migration, detail)).then(
    () => (run.lock.isHeld = false),
    () => {},
  )
  const offset = cause instanceof UnitFailure ? cause.offset : startOfUnit(unit)
  const error = describeStatementFailure(run, source, cause.server, offset, note)
  return { kind: 'failed', error, isResumable: note !== undefined }
}

/** What a person must do about a statement that may have committed a part of its work. */
function lookNote({ context }: Run, { isRevert, migration, units }: StepwisePart, index: number): string {
  const before = index === 0 ? '' : ` (steps 1 to ${index} of ${units.length} are done as well)`
  return `Look whether it has committed a part of its work before it ended, and undo that by hand. Then: migration-manager repair ${isRevert ? 'finish' : 'abandon'} ${migration.name} --env ${context.environment} --reason "…"${before}.`
}

function textOf({ source }: StepwisePart, { statement }: Extract<Unit, { kind: 'alone' }>): string {
  return source.sql.slice(statement.start, statement.end)
}
