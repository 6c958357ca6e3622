/**
 * The moment that another tool's table says: seconds or milliseconds since 1970, or text, which is meant in UTC where it
 * names no zone, as SQLite writes it. Null for anything else; never in the time zone of whoever reads it.
 */
export function readTime(value: unknown): Date | null {
  const at =
    typeof value === 'number'
      ? new Date(value < 1e11 ? value * 1_000 : value)
      : typeof value === 'string'
        ? new Date(withZone(value.trim()))
        : null
  return at === null || Number.isNaN(at.getTime()) ? null : at
}

const DAY_AND_TIME =
  /^(?<day>\d{4}-\d\d-\d\d)(?:[ T](?<time>\d\d:\d\d(?::\d\d(?:\.\d+)?)?))? ?(?<zone>Z|UTC|[+-]\d\d(?::?\d\d)?)?$/i

/** The text as JavaScript reads it alike everywhere; empty where it would not. */
function withZone(text: string): string {
  const { day, time = '00:00', zone = 'Z' } = DAY_AND_TIME.exec(text)?.groups ?? {}
  // Such as those of e-mail: `Mon, 03 Feb 2025 04:05:06 GMT`.
  if (day === undefined) return /(?:GMT|UTC|[+-]\d\d:?\d\d)$/i.test(text) ? text : ''
  const [, hours, minutes = '00'] = /^([+-]\d\d):?(\d\d)?$/.exec(zone) ?? []
  return `${day}T${time}${hours === undefined ? 'Z' : `${hours}:${minutes}`}`
}
