import type { Migration } from '../../core/migration.ts'
import type { Limits } from '../../core/policy.ts'
import type { Damage, Verification, VerifyAnswer } from '../../core/verification.ts'
import { locateIn } from '../../sql/location.ts'
import { findVerifyQueries } from '../../sql/verify.ts'
import type { VerifyQuery } from '../../sql/verify.ts'
import { describeSessionFailure } from './errors.ts'
import { cancelWhenAborted, interruptedReading } from './interruption.ts'
import { silenceOf } from './message-context.ts'
import type { Link } from './link.ts'
import { doBlock, quoteIdentifier } from './quote.ts'
import { booleanOf } from './verify-block.ts'

/** A verify query, and whose it is. */
export interface AskedQuery {
  readonly migration: string
  readonly query: VerifyQuery
}

/**
 * The message that asks all queries in one read-only transaction and one round trip. Each may fail by itself: the others
 * are asked all the same. Its rows are for `parseAnswers`.
 */
function askMessage(queries: readonly VerifyQuery[], limits: Limits): string {
  const blocks = queries.map((query, index) =>
    doBlock(`#variable_conflict use_column
DECLARE answer text;
BEGIN
EXECUTE ${booleanOf(query)} INTO answer;
${keepAnswer(index, 'answer', 'NULL', 'NULL')}
EXCEPTION WHEN query_canceled OR others THEN
${keepAnswer(index, 'NULL', 'SQLSTATE', 'SQLERRM')}
END`),
  )
  return `BEGIN TRANSACTION READ ONLY;SET LOCAL lock_timeout = ${limits.lockTimeoutMs};SET LOCAL statement_timeout = ${limits.statementTimeoutMs};SET LOCAL "migration_manager.answers" = '[]';
${doBlock(`BEGIN PERFORM pg_catalog.set_config('search_path', (SELECT reset_val FROM pg_catalog.pg_settings WHERE name = 'search_path'), true); END`)}
${blocks.join('\n')}
${doBlock(`BEGIN
PERFORM pg_catalog.set_config('search_path', '', true);
PERFORM pg_catalog.set_config('migration_manager.damage', (${DAMAGE}), true);
END`)}
SELECT pg_catalog.current_setting('migration_manager.answers'), pg_catalog.current_setting('migration_manager.damage');
COMMIT;`
}

function keepAnswer(index: number, answer: string, code: string, message: string): string {
  const entry = `pg_catalog.jsonb_build_array(${index}, ${answer}, ${code}, ${message})`
  return `PERFORM pg_catalog.set_config('migration_manager.answers', (pg_catalog.current_setting('migration_manager.answers')::pg_catalog.jsonb OPERATOR(pg_catalog.||) pg_catalog.jsonb_build_array(${entry}))::text, true);`
}

/** Indexes that are not valid, or not ready, and constraints that were never validated; those of other sessions' temporary tables are none of ours. */
const DAMAGE = `SELECT COALESCE(jsonb_agg(jsonb_build_array(kind, schema, name, relation) ORDER BY kind, schema, relation, name), '[]')::text FROM (
SELECT 'index' AS kind, n.nspname AS schema, i.relname AS name, t.relname AS relation
FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid JOIN pg_namespace n ON n.oid = i.relnamespace
WHERE NOT (x.indisvalid AND x.indisready) AND NOT pg_is_other_temp_schema(n.oid) AND NOT EXISTS (SELECT FROM pg_stat_progress_create_index p WHERE p.index_relid = i.oid)
UNION ALL
SELECT 'constraint', n.nspname, c.conname, t.relname
FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid JOIN pg_namespace n ON n.oid = t.relnamespace
WHERE NOT c.convalidated AND NOT pg_is_other_temp_schema(n.oid) AND COALESCE((to_jsonb(c)->>'conenforced')::bool, true)
) found`

/** What the server answered, beside what it was asked. A server may be anything: nothing of it is taken on trust. */
function parseAnswers(asked: readonly AskedQuery[], rows: readonly (readonly (string | null)[])[]): Verification {
  const answers: unknown = JSON.parse(rows[0]?.[0] ?? '[]')
  const damage: unknown = JSON.parse(rows[0]?.[1] ?? '[]')
  const given = new Map(
    (Array.isArray(answers) ? answers : []).flatMap((entry: unknown) =>
      Array.isArray(entry) ? [[entry[0], entry]] : [],
    ),
  )
  return {
    answers: asked.map(({ migration, query }, index): VerifyAnswer => {
      const [, answer, code, message] = given.get(index) ?? []
      return {
        migration,
        query: query.text,
        ...locateIn(query.source, query.offset),
        isTrue: answer === 'true' ? true : answer === 'false' ? false : null,
        problem:
          answer === 'true' || answer === 'false'
            ? null
            : {
                code: typeof code === 'string' ? code : 'XX000',
                message: typeof message === 'string' ? message : 'there was no answer',
              },
      }
    }),
    damage: (Array.isArray(damage) ? damage : []).flatMap(describeDamage),
  }
}

function describeDamage(entry: unknown): readonly Damage[] {
  const [kind, schema, name, relation] = Array.isArray(entry) ? entry.map(String) : []
  if (schema === undefined || name === undefined || relation === undefined) return []
  const table = `${quoteIdentifier(schema)}.${quoteIdentifier(relation)}`
  const index = `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`
  return kind === 'index'
    ? [
        {
          code: 'schema/invalid-index',
          message: `The index ${schema}.${name} on ${relation} is not valid: it costs at every write, and no query may use it.`,
          hint: `Make it anew: REINDEX INDEX CONCURRENTLY ${index}; or take it away: DROP INDEX CONCURRENTLY ${index};`,
        },
      ]
    : [
        {
          code: 'schema/unvalidated-constraint',
          message: `The constraint ${name} on ${schema}.${relation} was never validated: older rows may break it.`,
          hint: `ALTER TABLE ${table} VALIDATE CONSTRAINT ${quoteIdentifier(name)}; in a migration of its own. While it is meant to wait, add --allow schema/unvalidated-constraint.`,
        },
      ]
}

/**
 * Asks the queries of these migrations, as `Connection.verify` does. Throws `run/interrupted` when the signal is aborted
 * meanwhile.
 */
export async function verifyMigrations(
  link: Link,
  limits: Limits,
  migrations: readonly Migration[],
  signal: AbortSignal,
): Promise<Verification> {
  const asked = migrations.flatMap(({ name, up, file }) =>
    findVerifyQueries(up, file).map((query) => ({ migration: name, query })),
  )
  let verification: Verification | null = null
  try {
    // A query that is cancelled is one that has failed; the next one is asked all the same, and cancelled as well.
    verification = await cancelWhenAborted(link.session, signal, askQueries(link, limits, asked))
  } catch (cause) {
    if (!signal.aborted) throw describeSessionFailure(cause, link.options.place)
  }
  if (verification !== null && !signal.aborted) return verification
  throw interruptedReading(link.options.place)
}

/** Asks queries in one round trip. */
export async function askQueries(link: Link, limits: Limits, asked: readonly AskedQuery[]): Promise<Verification> {
  const queries = asked.map(({ query }) => query)
  return parseAnswers(asked, await link.session.ask(askMessage(queries, limits), silenceOf({ limits })))
}
