import { Secret } from '../core/secret.ts'

const IS_SECRET = /(?:^|_)DATABASE_URL$|^MIGRATION_WEBHOOK_URL$|^CLOUDFLARE_API_TOKEN$/u

/** They name a database and open nothing. */
const HARMLESS = /^(?:embedded|d1|d1-local):[^@]*$/iu

/** A shorter text is taken for a password only when nothing else can be it: hiding single letters ruins all output. */
const SHORTEST_GUESS = 4

/**
 * Everything in these variables that must not be shown, also when a connection string makes no sense: the value, and
 * what its password would be in each way to read it, as written and decoded. Hand it to the output before anything else.
 */
export function secretsOf(...sources: readonly Readonly<Record<string, string | undefined>>[]): readonly Secret[] {
  const texts = new Set<string>()
  for (const [name, value] of sources.flatMap((source) => Object.entries(source))) {
    const text = value?.trim() ?? ''
    if (text === '' || !IS_SECRET.test(name) || HARMLESS.test(text)) continue
    texts.add(text)
    for (const password of passwordsIn(text)) {
      texts.add(password)
      texts.add(decoded(password))
    }
  }
  return [...texts].map((text) => new Secret(text))
}

function passwordsIn(url: string): readonly string[] {
  const afterScheme = url.replace(/^['"`\s]*[a-z][a-z0-9+.-]*:\/\//iu, '')
  const colon = afterScheme.indexOf(':')
  const behindColon = colon < 0 ? '' : afterScheme.slice(colon + 1)
  const cuts = [...behindColon.matchAll(/@/gu)].map((match) => behindColon.slice(0, match.index))
  const inOptions = [...url.matchAll(/[?&]password=(?<password>[^&]*)/giu)].map(
    (match) => match.groups?.['password'] ?? '',
  )
  const isPort = /^\d{0,5}(?:[/?]|$)/u.test(behindColon)
  if (cuts.length === 0 && !isPort) cuts.push(behindColon)
  const guesses = [...cuts, ...inOptions].filter((guess) => guess !== '')
  return guesses.length === 1 ? guesses : guesses.filter((guess) => guess.length >= SHORTEST_GUESS)
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
