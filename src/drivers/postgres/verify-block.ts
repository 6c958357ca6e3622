import type { VerifyQuery } from '../../sql/verify.ts'
import { tell } from './marker.ts'
import { GUARD } from './message-context.ts'
import type { MessageContext } from './message-context.ts'
import { doBlock, quoteLiteral } from './quote.ts'

/** Raised and caught by a block of ours, so that the subtransaction in which a query was asked is given up. */
const ANSWERED = 'MM009'

/** The query as one boolean; the server itself refuses more than one column, and what is not a boolean. */
export function booleanOf({ text }: VerifyQuery): string {
  return quoteLiteral(`SELECT (\n${text}\n) IS TRUE`)
}

/**
 * Asks a migration's queries in the transaction that carried it out, before its row says applied; one that is not true
 * raises `GUARD.unverified`. Each is asked in a read-only subtransaction that is rolled back, with the session's own
 * search_path, so that it means the same as when `verify` asks it.
 */
export function verifyInside(context: MessageContext, part: number, queries: readonly VerifyQuery[]): string {
  return queries
    .map(
      (query, index) => `${tell(context, `verifying:${part}:${index}`)}
${doBlock(`#variable_conflict use_column
DECLARE answer text;
BEGIN
BEGIN
PERFORM pg_catalog.set_config('search_path', (SELECT reset_val FROM pg_catalog.pg_settings WHERE name = 'search_path'), true);
PERFORM pg_catalog.set_config('transaction_read_only', 'on', true);
EXECUTE ${booleanOf(query)} INTO answer;
RAISE EXCEPTION USING ERRCODE = '${ANSWERED}';
EXCEPTION WHEN SQLSTATE '${ANSWERED}' THEN NULL;
END;
IF answer IS DISTINCT FROM 'true' THEN RAISE EXCEPTION 'not true' USING ERRCODE = '${GUARD.unverified}'; END IF;
END`)}
`,
    )
    .join('')
}
