import { doneEvent } from '../../core/event.ts'
import { reach } from '../../core/kill-point.ts'
import type { StepResult } from '../../core/outcome.ts'
import type { Emit } from '../../core/event.ts'
import { parseMarker } from './marker.ts'
import type { Marker } from './marker.ts'
import type { Part } from './message.ts'
import type { MessageContext } from './message-context.ts'
import type { Listener } from './session.ts'

/** How far the server has come with a message, as its markers tell. */
export interface Progress {
  hasBegun: boolean
  hasOpened: boolean
  hasPrepared: boolean
  /** The part whose statements are being run, and the last statement that was announced (both 0-based). */
  part: number
  statement: number
  /** The verify query of the part that is being asked, or -1. */
  query: number
  /** The parts whose statements and row are done, committed or not, in order. */
  readonly ended: StepResult[]
  /** The parts known to be committed, in order. */
  readonly applied: StepResult[]
}

/** Listens to one message: markers become progress, other notices are the file's own, other rows nobody's. */
export function followProgress(
  context: MessageContext,
  parts: readonly Part[],
  emit: Emit,
): { readonly progress: Progress; readonly listener: Listener } {
  const progress: Progress = {
    hasBegun: false,
    hasOpened: false,
    hasPrepared: false,
    part: 0,
    statement: -1,
    query: -1,
    ended: [],
    applied: [],
  }
  const { environment } = context
  const nameOf = (part: number): string => parts[part]?.migration.name ?? ''
  const advance = (marker: Marker): void => {
    if (marker.kind !== 'prepared') reach(marker.kind)
    switch (marker.kind) {
      case 'began':
        progress.hasBegun = true
        break
      case 'opened':
        progress.hasOpened = true
        break
      case 'prepared':
        progress.hasPrepared = true
        emit({ type: 'prepared', environment })
        break
      case 'statement':
        progress.part = marker.part
        progress.statement = marker.statement
        emit({
          type: 'statement-started',
          environment,
          migration: nameOf(marker.part),
          statement: marker.statement + 1,
          statements: parts[marker.part]?.statements.length ?? 0,
        })
        break
      case 'verifying':
        progress.part = marker.part
        progress.statement = -1
        progress.query = marker.query
        break
      case 'ending':
        progress.part = marker.part
        progress.statement = -1
        progress.query = -1
        progress.ended.push({
          name: nameOf(marker.part),
          durationMs: marker.durationMs,
        })
        break
      case 'applied': {
        const result = progress.ended.at(-1) ?? { name: '', durationMs: 0 }
        progress.applied.push(result)
        progress.part = marker.part + 1
        progress.statement = -1
        emit(doneEvent(environment, parts[marker.part]?.isRevert === true ? 'revert' : 'apply', result))
        break
      }
    }
  }
  return {
    progress,
    listener: {
      onNotice({ message }) {
        const marker = parseMarker(context, message)
        if (marker !== null) advance(marker)
        // Outside of a file's statements the notices are about our own guards (no transaction to roll back).
        else if (progress.statement >= 0) {
          emit({ type: 'notice', environment, migration: nameOf(progress.part), message })
        }
      },
      onRow(first) {
        const marker = parseMarker(context, first)
        if (marker !== null) advance(marker)
      },
    },
  }
}
