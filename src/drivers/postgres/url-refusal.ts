import type { ErrorCode } from '../../core/errors.ts'

/** Why a connection string is refused. The words never repeat a part of it that could belong to the password. */
export interface Refusal {
  readonly ok: false
  readonly code: ErrorCode
  readonly message: string
  readonly hint: string
}

export function refuse(code: ErrorCode, message: string, hint: string): Refusal {
  return { ok: false, code, message, hint }
}
