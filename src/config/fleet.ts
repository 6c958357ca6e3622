import type { Problem } from '../core/errors.ts'
import type { ReadUrl } from './connection.ts'
import { type Listed, isDatabaseName, listedIn, placeIn } from './database-list.ts'
import { firstProblems } from './excerpt.ts'

/** One database of a list. */
export interface ListedDatabase {
  /** Unlike all others of its list. */
  readonly name: string
  readonly origin: string
  readonly connection: ReadUrl
}

/** A connection string is far shorter, even with a token for a password; to read a longer text as one takes long. */
export const LONGEST_URL = 8_192

const FORM = 'letters, digits, ., _ and -, at most 63, beginning with a letter or digit'

/**
 * Reads a list of connection strings. `list` is what to call it: `PROD_DATABASE_URLS`. `read` turns one of them into a
 * connection, or says what is wrong with it, beginning with the place that it is given. No problem repeats a value.
 */
export function readFleet(
  text: string,
  list: string,
  schemes: readonly string[],
  read: (url: string, place: string) => ReadUrl | Problem,
): { readonly databases: readonly ListedDatabase[]; readonly problems: readonly Problem[] } {
  const databases: ListedDatabase[] = []
  const problems: Problem[] = []
  const taken = new Map<string, Listed>()
  for (const listed of listedIn(text, schemes)) {
    const origin = placeIn(list, listed.line)
    const refusal = refuseEntry(listed, origin)
    const connection = refusal ?? read(listed.url, origin)
    if ('code' in connection) {
      problems.push(connection)
      continue
    }
    const name = listed.name ?? connection.parsed.database ?? ''
    const other = taken.get(name)
    if (!isDatabaseName(name)) {
      problems.push({
        code: 'config/bad-name',
        message: `${origin}: the name of its database cannot be used as a name here.`,
        hint: `Write name= before the connection string, with a name of ${FORM}.`,
      })
    } else if (other !== undefined) {
      const where = other.line === listed.line ? 'another one on this line' : `line ${other.line}`
      problems.push(
        other.url === listed.url
          ? {
              code: 'config/duplicate-name',
              message: `${origin}: ${name} is the same database as ${where}.`,
              hint: 'Remove one of the two.',
            }
          : {
              code: 'config/duplicate-name',
              message: `${origin}: the name ${name} is already that of ${where}.`,
              hint: 'Each database of an environment has a name of its own: write name= before the connection string.',
            },
      )
    } else {
      taken.set(name, listed)
      databases.push({ name, origin, connection })
    }
  }
  const rest = (more: number): string => `${list}: ${more} more of its connection strings cannot be used.`
  return {
    databases,
    problems: firstProblems(problems, (problem) => problem, rest),
  }
}

function refuseEntry({ name, url }: Listed, origin: string): Problem | null {
  if (name !== null && !isDatabaseName(name)) {
    return {
      code: 'config/bad-name',
      message: `${origin}: what stands before the = cannot be used as a name.`,
      hint: `Write name=, with a name of ${FORM}, before the connection string.`,
    }
  }
  if (url.length > LONGEST_URL) {
    return {
      code: 'config/bad-url',
      message: `${origin} is longer than a connection string can be.`,
      hint: 'Write one connection string a line.',
    }
  }
  if (/[,;]$/u.test(url)) {
    return {
      code: 'config/bad-url',
      message: `${origin}: the connection string ends with a comma or semicolon.`,
      hint: 'Remove it: no line needs one at its end. If it belongs to the connection string, write %2C or %3B.',
    }
  }
  return null
}
