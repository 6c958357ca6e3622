import { type Refusal, refuse } from './url-refusal.ts'

/** What a password as written means, and whether that took decoding (worth a hint when the login then fails). */
export type PasswordReading = { readonly ok: true; readonly password: string; readonly decoded: boolean } | Refusal

const ESCAPE = /%[0-9a-f]{2}/giu
const BARE_PERCENT = /%(?![0-9a-f]{2})/iu
const PLACEHOLDER = /^(?:\[[^\]]*pass(?:word|wd)?\]|<[^>]*pass(?:word|wd)?>|\{+[^}]*pass(?:word|wd)?\}+)$/iu

/** The characters that people paste unescaped, and what a URL wants instead. */
const SPECIAL: ReadonlyMap<string, string> = new Map([
  ['@', '%40'],
  [':', '%3A'],
  ['#', '%23'],
  ['/', '%2F'],
  ['?', '%3F'],
  [' ', '%20'],
])

/**
 * Understands a password as a person pasted it. Without any `%XX` it is taken as it is. With `%XX` and nothing that
 * would still need escaping it is decoded. A mixture has two readings and is refused, as is what does not decode to UTF-8.
 */
export function readPassword(raw: string): PasswordReading {
  const reading = decide(raw)
  if (reading.ok && PLACEHOLDER.test(reading.password)) {
    return refuse(
      'config/placeholder',
      'The connection string still holds a placeholder where the password belongs.',
      'Replace the placeholder, with its brackets, by the database password.',
    )
  }
  if (reading.ok && reading.password.includes('\0')) {
    return refuse(
      'config/bad-url',
      'The password holds a NUL character, which PostgreSQL cannot take.',
      'Write % as %25.',
    )
  }
  return reading
}

function decide(raw: string): PasswordReading {
  if (raw.search(ESCAPE) < 0) return { ok: true, password: raw, decoded: false }
  const special = /[@:#/? ]/u.exec(raw)?.[0]
  if (special !== undefined) {
    return twoReadings(
      `Write ${nameOf(special)} as ${SPECIAL.get(special) ?? ''} if the rest of the password is escaped; ` +
        'if it is not, also write % as %25.',
    )
  }
  if (BARE_PERCENT.test(raw)) return twoReadings('Write % as %25.')
  const password = decodeUtf8(raw)
  if (password === undefined) return twoReadings('Write % as %25; other characters are escaped as UTF-8.')
  return { ok: true, password, decoded: true }
}

/** The text behind percent escapes, or undefined when a `%` is not part of one or the bytes are not UTF-8. */
export function decodeUtf8(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

function nameOf(character: string): string {
  return character === ' ' ? 'a space' : character
}

function twoReadings(hint: string): Refusal {
  return refuse(
    'config/ambiguous-password',
    'The password holds a % and can be read in two ways: as it is written, or with its % escapes decoded.',
    hint,
  )
}
