import { Secret } from '../core/secret.ts'
import { isDatabaseName, isPath, listedIn } from './database-list.ts'
import { LONGEST_URL } from './fleet.ts'

const IS_SECRET = /(?:^|_)DATABASE_URL$|^MIGRATION_WEBHOOK_URL$|^CLOUDFLARE_API_TOKEN$/u

const IS_LIST = /(?:^|_)DATABASE_URLS$/u
const IS_LIST_FILE = /(?:^|_)DATABASE_URLS_FILE$/u

/** They name a database, or nothing at all, and open none. */
const HARMLESS = /^(?:(?:embedded|d1|d1-local):[^@]*|postgres(?:ql)?:\/{0,2})$/iu

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
    if (IS_LIST.test(name) || (IS_LIST_FILE.test(name) && !isPath(text))) hideList(text, undefined, texts)
    else if (IS_SECRET.test(name)) hideUrl(text, texts)
  }
  return [...texts].map((text) => new Secret(text))
}

/** The same of lists of connection strings with these schemes, each entry by itself. */
export function secretsOfLists(lists: readonly string[], schemes: readonly string[]): readonly Secret[] {
  const texts = new Set<string>()
  for (const list of lists) hideList(list, schemes, texts)
  return [...texts].map((text) => new Secret(text))
}

/** A list as a whole is not added: it is as long as all of its entries, and hidden with them. */
function hideList(list: string, schemes: readonly string[] | undefined, texts: Set<string>): void {
  // What was commented out may still open a database; the words around it are words.
  const commented = listedIn(commentsOf(list), schemes).filter(({ url }) => url.includes('://'))
  for (const { name, url } of [...listedIn(list, schemes), ...commented]) {
    if (name !== null && !isDatabaseName(name)) texts.add(name)
    // Nothing reads a longer one, but a server or an error of the system could quote it.
    const pieces = url.length > LONGEST_URL ? new Set(url.split(/[\s,;|@]+/u)) : [url]
    for (const piece of pieces) hideUrl(piece.slice(0, LONGEST_URL), texts)
  }
}

/** The lines that are comments and hold a connection string, without what makes them comments. */
function commentsOf(list: string): string {
  const lines = list.split(/[\r\n]+/u).filter((line) => line.includes('://') && line.trimStart().startsWith('#'))
  return lines.map((line) => line.replace(/^[#\s]+/u, '')).join('\n')
}

function hideUrl(text: string, texts: Set<string>): void {
  if (text === '' || HARMLESS.test(text)) return
  texts.add(text)
  for (const password of passwordsIn(text)) {
    texts.add(password)
    texts.add(decoded(password))
  }
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
