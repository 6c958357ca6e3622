import { quoteIdentifier } from './quote.ts'
import type { Place, Rule, ServerError } from './session-failure.ts'

const WRONG_PASSWORD: Rule = {
  code: 'connection/wrong-password',
  message: ({ host, user }) => `${host} does not accept the password of ${user}.`,
  hint: ({ origin, passwordDecoded }) =>
    `Check user and password in ${origin}.${passwordDecoded ? ' The password holds %XX sequences, which were decoded: if they are meant as they stand, write each % as %25.' : ''}`,
}

const NO_DATABASE: Rule = {
  code: 'connection/no-database',
  message: ({ host, database }) => `${host} has no database ${database}.`,
  hint: ({ origin, database }) =>
    `Correct the database's name in ${origin}, or create it: CREATE DATABASE "${database}".`,
}

const TOO_MANY: Rule = {
  code: 'connection/too-many',
  message: ({ host }) => `${host} takes no more connections.`,
  hint: () =>
    'Run again when it is quieter or with fewer connections at once (--concurrency 5), use the session pooler, or raise the limit that is named.',
  quotesServer: true,
}

const ENDED: Rule = {
  code: 'connection/lost',
  message: ({ host, port }) => `${host}, port ${port}, ended the connection.`,
  hint: () => 'The server is stopping, or somebody ended the session. Run again in a moment.',
  quotesServer: true,
}

const NO_RIGHT: Rule = {
  code: 'target/permission-denied',
  message: ({ user, database }) => `${user} lacks a right in ${database}.`,
  hint: ({ user, database }) =>
    `Let the owner of the schema run migrations, or grant the right, for example: GRANT CREATE, USAGE ON SCHEMA public TO "${user}"; GRANT CREATE ON DATABASE "${database}" TO "${user}";`,
  quotesServer: true,
}

/** Both tables are closed to everyone but their owner, so no right on the schema or on the table itself is enough. */
const NOT_OWNER: Rule = {
  ...NO_RIGHT,
  message: ({ user, database }) => `The history of ${database} belongs to another role than ${user}.`,
  hint: ({ origin, user }) =>
    `Put the role that owns schema_migrations into ${origin}, or grant it to this one: GRANT <owner> TO ${quoteIdentifier(user)}; Who it is: SELECT tableowner FROM pg_tables WHERE tablename = 'schema_migrations';`,
}

const NO_CONNECT: Rule = {
  ...NO_RIGHT,
  message: ({ user, database }) => `${user} may not connect to ${database}.`,
  hint: ({ origin, user, database }) =>
    `Let its owner grant it: GRANT CONNECT ON DATABASE ${quoteIdentifier(database)} TO ${quoteIdentifier(user)}; or put a role that may into ${origin}.`,
}

/** Errors of the login and of the server as a whole, by SQLSTATE (PostgreSQL manual, appendix "Error Codes"). */
const BY_CODE: Readonly<Record<string, Rule>> = {
  '28P01': WRONG_PASSWORD,
  '28000': {
    code: 'connection/login-refused',
    message: ({ host, user, database }) => `${host} does not let ${user} log in to ${database}.`,
    hint: ({ origin }) => `Check user and database in ${origin}, and the server's pg_hba.conf.`,
    quotesServer: true,
  },
  '3D000': NO_DATABASE,
  '53300': TOO_MANY,
  '57P01': ENDED,
  '57P02': ENDED,
  '57P05': ENDED,
  '57P03': {
    code: 'connection/starting',
    message: ({ host }) => `${host} is starting up or shutting down.`,
    hint: () => 'Run again in a moment.',
    quotesServer: true,
  },
  '25006': {
    code: 'target/read-only',
    message: ({ host, database }) =>
      `${database} on ${host} is read-only: a replica, or default_transaction_read_only is on.`,
    hint: ({ origin, user }) =>
      `Put the primary's address into ${origin}; if it is the setting: ALTER ROLE "${user}" SET default_transaction_read_only = off;`,
  },
  '53100': {
    code: 'target/disk-full',
    message: ({ host }) => `The disk of ${host} is full.`,
    hint: () => 'Make room, then run again.',
    quotesServer: true,
  },
}

/** Poolers give many failures one SQLSTATE (PgBouncer 08P01, Supavisor XX000) and tell them apart by their words. */
const BY_WORDS: readonly (readonly [words: RegExp, rule: Rule])[] = [
  [
    /tenant or user not found/iu,
    {
      code: 'connection/unknown-tenant',
      message: ({ host, user }) => `The pooler ${host} does not know the user ${user}.`,
      hint: ({ origin }: Place) =>
        `The pooler's user is postgres.<project-ref>, and the host differs by region: copy the whole string from the project's Connect dialog into ${origin}.`,
    },
  ],
  [/^(?:SASL|password) authentication failed|^no such user/iu, WRONG_PASSWORD],
  [/^no such database|^database ".*" does not exist$/iu, NO_DATABASE],
  [/^no more connections allowed|max clients reached|^remaining connection slots|^sorry, too many clients/iu, TOO_MANY],
]

/** How a server's error is said to a person; undefined when its own words say it best. */
export function findServerRule(server: ServerError): Rule | undefined {
  if (server.code === '42501') return rightRule(server)
  const byWords = server.isFatal ? BY_WORDS.find(([words]) => words.test(server.message)) : undefined
  return byWords?.[1] ?? BY_CODE[server.code]
}

/** Which right is missing. The table's name stands in the message in every language of the server. */
function rightRule({ message, isFatal }: ServerError): Rule {
  if (/\bschema_migrations/u.test(message)) return NOT_OWNER
  return isFatal && message.startsWith('permission denied for database') ? NO_CONNECT : NO_RIGHT
}
