import { reach } from '../../core/kill-point.ts'
import { quoted } from '../../core/shell.ts'
import { readMeaning } from '../../sql/meaning.ts'
import { startOfUnit } from '../../sql/steps.ts'
import type { Unit } from '../../sql/steps.ts'
import { describeStatementFailure, undecidableError } from './failure.ts'
import { isSameIndex } from './index-definition.ts'
import { isLoss } from './link.ts'
import { utf16Offset } from './message.ts'
import { GUARD, silenceOf } from './message-context.ts'
import { postConditionOf } from './postcondition.ts'
import { UNTOUCHED } from './resumption.ts'
import { isTransient, waitToRetry } from './run.ts'
import type { Run } from './run.ts'
import { ServerFailure } from './session-failure.ts'
import { clear, isTellable, logFailure, look, send, tidy, UNFINISHED, verify } from './standing.ts'
import { interrupted, verbOf, workOf } from './stepwise-end.ts'
import type { StepwiseEnd, StepwisePart } from './stepwise-end.ts'
import { saveStep, unitMessage, withdrawMessage } from './stepwise-message.ts'

/** Raised when a unit may have been sent already: what it is for may then be its work. */
export interface Doubt {
  isRaised: boolean
}

/** Does one unit and saves it, with retries; returns null when it is done, or how the migration ended. */
export async function carryOutUnit(
  run: Run,
  part: StepwisePart,
  unit: Unit,
  index: number,
  doubt: Doubt,
): Promise<StepwiseEnd | null> {
  const stopHere = async (note?: string): Promise<StepwiseEnd> => {
    // For whoever goes on there; not heard, the next run doubts it.
    if (unit.kind === 'alone' && !doubt.isRaised)
      await logFailure(run, part.migration, { code: 'run/interrupted', ...UNTOUCHED })
    return interrupted(run, part, index, { note })
  }
  for (let attempt = 0; ; attempt++) {
    if (run.signal.aborted) return stopHere()
    try {
      if (unit.kind !== 'alone') return await doTogether(run, part, unit, index)
      const end = await doAlone(run, part, unit, index, doubt)
      return end === 'interrupted' ? stopHere() : end
    } catch (cause) {
      if (isLoss(cause) || !(cause instanceof ServerFailure)) throw cause
      const { code } = cause.server
      if (code === GUARD.stale) throw cause
      // What may have committed a part before it failed is not done a second time.
      const mayRepeat = unit.kind !== 'alone' || (await isTellable(textOf(part, unit)))
      if (run.signal.aborted)
        return stopHere(!mayRepeat && cause instanceof UnitFailure ? lookNote(run, part, index) : undefined)
      if (isTransient(code) && mayRepeat && attempt < run.context.limits.lockRetries) {
        await send(run, 'ROLLBACK')
        await waitToRetry(run, part.migration.name, cause, attempt + 1)
        continue
      }
      return fail(run, part, unit, index, cause, doubt)
    }
  }
}

/** Statements that share a transaction, and the step that says so. */
async function doTogether(
  run: Run,
  part: StepwisePart,
  unit: Exclude<Unit, { kind: 'alone' }>,
  index: number,
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
  doubt: Doubt,
): Promise<StepwiseEnd | 'interrupted' | null> {
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
    if (isSame === false) throw taken(`another index ${meaning.index}, with another definition`)
    // Where that cannot be told, the server is asked as well, unless it may be what was made before.
    if (isSame === true || doubt.isRaised) return save()
  } else if (isSoAlready && doubt.isRaised) {
    return save()
  }
  if (condition.query === null && !condition.isRepeatable && doubt.isRaised) {
    const answer = await verify(run, part)
    if (run.signal.aborted) return 'interrupted'
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
  if (run.signal.aborted) return 'interrupted'
  doubt.isRaised ||= !isSoAlready
  reach('stepping')
  try {
    await send(run, text, migration.name)
  } catch (cause) {
    if (!(cause instanceof ServerFailure) || isLoss(cause)) throw cause
    const { position } = cause.server
    const offset = unit.statement.start + (position === null ? 0 : utf16Offset(text, position))
    throw new UnitFailure(cause, offset)
  }
  // IF NOT EXISTS over an invalid index "succeeds"; so may a statement that was overtaken.
  reach('stepped')
  const after = await look(run, condition)
  // IF NOT EXISTS passes over anything of that name, on whatever table.
  if (after === 'absent' && meaning.kind === 'create-index') throw taken(`something else of the name ${meaning.index}`)
  if (after === 'half' || after === 'busy')
    throw new ServerFailure({ ...UNFINISHED, message: `${unit.what} left something unfinished behind` })
  return save()
}

/** As the server says it of a CREATE INDEX without IF NOT EXISTS. */
function taken(what: string): ServerFailure {
  const message = `there is already ${what}`
  return new ServerFailure({ code: '42P07', message, hint: null, position: null, constraint: null, isFatal: false })
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
      await waitToRetry(run, part.migration.name, cause, attempt)
    }
  }
}

/** What the server said to a statement of the file, at its place in the file. */
class UnitFailure extends ServerFailure {
  /** A UTF-16 offset in the file. */
  readonly offset: number

  constructor(cause: ServerFailure, offset: number) {
    super(cause.server, cause.blocker)
    this.offset = offset
  }
}

/** Stops at a unit: a claim under which nothing was done is taken back, all else stays for the next run. */
async function fail(
  run: Run,
  part: StepwisePart,
  unit: Unit,
  index: number,
  cause: ServerFailure,
  doubt: Doubt,
): Promise<StepwiseEnd> {
  const { context, emit } = run
  const { migration, source, units } = part
  emit({ type: 'migration-failed', environment: context.environment, migration: migration.name })
  const isFirst = units.slice(0, index).every(({ kind }) => kind === 'setting')
  await send(run, 'ROLLBACK')
  // What it is for was so before: it has changed nothing.
  const isUntouched = unit.kind === 'alone' && !doubt.isRaised
  const tidied = unit.kind !== 'alone' || isUntouched || (await tidy(run, textOf(part, unit), cause))
  const isTold = unit.kind !== 'alone' || (await isTellable(textOf(part, unit)))
  const note = !isTold
    ? lookNote(run, part, index)
    : isFirst && tidied
      ? undefined
      : `${index === 0 ? 'None of its steps is done.' : `Steps 1 to ${index} of ${units.length} are done.`} Mend what stopped it and run ${verbOf(part)} again: it goes on at step ${index + 1}.`
  if (isFirst && tidied) await send(run, withdrawMessage(context, workOf(part)))
  await logFailure(run, migration, { code: cause.server.code, ...(isUntouched ? UNTOUCHED : {}) })
  const offset = cause instanceof UnitFailure ? cause.offset : startOfUnit(unit)
  const error = describeStatementFailure(run, source, cause, offset, note)
  return { kind: 'failed', error, isResumable: note !== undefined }
}

/** What a person must do about a statement that may have committed a part of its work. */
function lookNote({ context }: Run, { isRevert, migration, units }: StepwisePart, index: number): string {
  const before = index === 0 ? '' : ` (steps 1 to ${index} of ${units.length} are done as well)`
  return `Look whether it has committed a part of its work before it ended, and undo that by hand. Then: migration-manager repair ${isRevert ? 'finish' : 'abandon'} ${quoted(migration.name)} --env ${context.environment} --reason "…"${before}.`
}

function textOf({ source }: StepwisePart, { statement }: Extract<Unit, { kind: 'alone' }>): string {
  return source.sql.slice(statement.start, statement.end)
}
