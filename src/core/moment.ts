/**
 * The moment that a text from outside names (ISO 8601), or null for what names none: a date that is invalid throws only when
 * it is printed, and takes the whole answer with it.
 */
export function readMoment(value: unknown): Date | null {
  const moment = typeof value === 'string' ? new Date(value) : null
  return moment === null || Number.isNaN(moment.getTime()) ? null : moment
}
