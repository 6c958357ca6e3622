import type { Snapshot } from '../../core/snapshot.ts'
import { quoteLiteral } from './quote.ts'
import type { Tables } from './tables.ts'

/** Owner and privileges; a privilege that is there by default and one that was granted anew read the same. */
function ownership(owner: string, acl: string, kind: string): string {
  const entries = `(SELECT string_agg(entry::text, ', ' ORDER BY entry::text) FROM unnest(COALESCE(${acl}, acldefault('${kind}', ${owner}))) entry)`
  return `' owner ' || pg_get_userbyid(${owner}) || ' access ' || COALESCE(${entries}, 'none')`
}

function comment(oid: string, catalog: string): string {
  return `COALESCE(' comment ' || quote_literal(obj_description(${oid}, '${catalog}')), '')`
}

/** Whether an object is a part of an extension, which is named as a whole. */
function isFree(oid: string, catalog: string): string {
  return `NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = '${catalog}'::regclass AND d.objid = ${oid} AND d.deptype = 'e')`
}

const OPTIONS = (options: string): string => `COALESCE(' with ' || array_to_string(${options}, ', '), '')`

/** The objects without a text of their own in the catalogs, by the catalog that lists them: they are there or not. */
const NAMED: Readonly<Record<string, string>> = {
  'access method': 'pg_am',
  cast: 'pg_cast',
  collation: 'pg_collation',
  conversion: 'pg_conversion',
  'foreign-data wrapper': 'pg_foreign_data_wrapper',
  language: 'pg_language',
  operator: 'pg_operator',
  'operator class': 'pg_opclass',
  'operator family': 'pg_opfamily',
  server: 'pg_foreign_server',
  transform: 'pg_transform',
  'text search configuration': 'pg_ts_config',
  'text search dictionary': 'pg_ts_dict',
  'text search parser': 'pg_ts_parser',
  'text search template': 'pg_ts_template',
}

/** The first oid that is given to objects of users (PostgreSQL, access/transam.h: FirstNormalObjectId). */
const FIRST_USER_OID = 16384

/*
 * One SELECT a kind: kind, name, definition (PostgreSQL manual, "System Catalogs"). `n` is the schema. What is left out
 * on purpose: oids, statistics, sizes, and the options of foreign servers and user mappings, which hold passwords.
 */
const KINDS: readonly string[] = [
  `SELECT 'schema', n.nspname::text, ${ownership('n.nspowner', 'n.nspacl', 'n')} || ${comment('n.oid', 'pg_namespace')}
FROM schemas n`,

  `SELECT 'extension', e.extname::text, e.extversion || ' in ' || n.nspname || ${comment('e.oid', 'pg_extension')}
FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname <> 'plpgsql'`,

  `SELECT 'type', format('%I.%I', n.nspname, t.typname), CASE t.typtype
WHEN 'e' THEN 'enum ' || (SELECT COALESCE(string_agg(quote_literal(l.enumlabel), ', ' ORDER BY l.enumsortorder), '') FROM pg_enum l WHERE l.enumtypid = t.oid)
WHEN 'd' THEN 'domain ' || format_type(t.typbasetype, t.typtypmod) || CASE WHEN t.typnotnull THEN ' not null' ELSE '' END || COALESCE(' default ' || t.typdefault, '')
WHEN 'r' THEN 'range of ' || (SELECT format_type(r.rngsubtype, NULL) FROM pg_range r WHERE r.rngtypid = t.oid)
WHEN 'c' THEN 'composite ' || (SELECT COALESCE(string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod), ', ' ORDER BY a.attnum), '') FROM pg_attribute a WHERE a.attrelid = t.typrelid AND NOT a.attisdropped)
ELSE 'base ' || t.typinput::text END || ${ownership('t.typowner', 't.typacl', 'T')} || ${comment('t.oid', 'pg_type')}
FROM pg_type t JOIN schemas n ON n.oid = t.typnamespace LEFT JOIN pg_class c ON c.oid = t.typrelid
WHERE (t.typrelid = 0 OR c.relkind = 'c') AND t.typcategory <> 'A' AND t.typtype <> 'm' AND ${isFree('t.oid', 'pg_type')}`,

  `SELECT CASE c.relkind WHEN 'f' THEN 'foreign table' ELSE 'table' END, format('%I.%I', n.nspname, c.relname),
CASE c.relpersistence WHEN 'u' THEN 'unlogged' ELSE 'permanent' END || COALESCE(' partitioned by ' || pg_get_partkeydef(c.oid), '') || COALESCE(' ' || pg_get_expr(c.relpartbound, c.oid), '')
|| COALESCE((SELECT ' inherits ' || string_agg(i.inhparent::regclass::text, ', ' ORDER BY i.inhseqno) FROM pg_inherits i WHERE i.inhrelid = c.oid), '')
|| CASE WHEN c.relrowsecurity THEN ' row security' ELSE '' END || CASE WHEN c.relforcerowsecurity THEN ' forced' ELSE '' END
|| CASE c.relreplident WHEN 'd' THEN '' ELSE ' replica identity ' || c.relreplident::text END || ${OPTIONS('c.reloptions')}
|| ${ownership('c.relowner', 'c.relacl', 'r')} || ${comment('c.oid', 'pg_class')}
FROM relations c JOIN schemas n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'f')`,

  `SELECT 'column', format('%I.%I.%I', n.nspname, c.relname, a.attname),
'number ' || (SELECT count(*) FROM pg_attribute b WHERE b.attrelid = a.attrelid AND b.attnum > 0 AND b.attnum <= a.attnum AND NOT b.attisdropped)::text
|| ' ' || format_type(a.atttypid, a.atttypmod) || COALESCE((SELECT ' collate ' || l.collname FROM pg_collation l JOIN pg_type t ON t.oid = a.atttypid WHERE l.oid = a.attcollation AND t.typcollation <> l.oid), '')
|| CASE WHEN a.attnotnull THEN ' not null' ELSE '' END || CASE a.attidentity WHEN '' THEN '' ELSE ' identity ' || a.attidentity::text END
|| CASE a.attgenerated WHEN '' THEN COALESCE(' default ' || pg_get_expr(e.adbin, e.adrelid), '') ELSE ' generated ' || a.attgenerated::text || ' ' || pg_get_expr(e.adbin, e.adrelid) END
|| COALESCE((SELECT ' access ' || string_agg(entry::text, ', ' ORDER BY entry::text) FROM unnest(a.attacl) entry), '') || ${OPTIONS('a.attoptions')}
|| COALESCE(' comment ' || quote_literal(col_description(a.attrelid, a.attnum)), '')
FROM pg_attribute a JOIN relations c ON c.oid = a.attrelid JOIN schemas n ON n.oid = c.relnamespace LEFT JOIN pg_attrdef e ON e.adrelid = a.attrelid AND e.adnum = a.attnum
WHERE c.relkind IN ('r', 'p', 'f') AND a.attnum > 0 AND NOT a.attisdropped`,

  `SELECT 'constraint', format('%I.%I.%I', n.nspname, COALESCE(c.relname, t.typname), o.conname), pg_get_constraintdef(o.oid) || ${comment('o.oid', 'pg_constraint')}
FROM pg_constraint o JOIN schemas n ON n.oid = o.connamespace LEFT JOIN relations c ON c.oid = o.conrelid LEFT JOIN pg_type t ON t.oid = o.contypid AND o.contypid <> 0
WHERE o.contype IN ('c', 'f', 'p', 'u', 'x') AND (c.oid IS NOT NULL OR t.oid IS NOT NULL) AND ${isFree('o.oid', 'pg_constraint')}`,

  `SELECT 'index', format('%I.%I', n.nspname, c.relname), pg_get_indexdef(c.oid) || CASE WHEN i.indisvalid AND i.indisready THEN '' ELSE ' invalid' END
|| CASE WHEN i.indisclustered THEN ' clustered' ELSE '' END || CASE WHEN i.indisreplident THEN ' replica identity' ELSE '' END || ${comment('c.oid', 'pg_class')}
FROM pg_index i JOIN relations c ON c.oid = i.indexrelid JOIN relations t ON t.oid = i.indrelid JOIN schemas n ON n.oid = c.relnamespace`,

  `SELECT CASE c.relkind WHEN 'm' THEN 'materialized view' ELSE 'view' END, format('%I.%I', n.nspname, c.relname),
pg_get_viewdef(c.oid) || ${OPTIONS('c.reloptions')} || ${ownership('c.relowner', 'c.relacl', 'r')} || ${comment('c.oid', 'pg_class')}
FROM relations c JOIN schemas n ON n.oid = c.relnamespace WHERE c.relkind IN ('v', 'm')`,

  `SELECT 'sequence', format('%I.%I', n.nspname, c.relname),
format('%s from %s to %s start %s by %s cache %s%s', format_type(s.seqtypid, NULL), s.seqmin, s.seqmax, s.seqstart, s.seqincrement, s.seqcache, CASE WHEN s.seqcycle THEN ' cycle' ELSE '' END)
|| COALESCE((SELECT ' owned by ' || d.refobjid::regclass::text || '.' || a.attname FROM pg_depend d JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
  WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('a', 'i') AND d.refclassid = 'pg_class'::regclass), '')
|| ${ownership('c.relowner', 'c.relacl', 's')} || ${comment('c.oid', 'pg_class')}
FROM pg_sequence s JOIN relations c ON c.oid = s.seqrelid JOIN schemas n ON n.oid = c.relnamespace`,

  `SELECT CASE p.prokind WHEN 'a' THEN 'aggregate' WHEN 'p' THEN 'procedure' ELSE 'function' END, format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)),
CASE WHEN p.prokind = 'a' THEN (SELECT format('state %s by %s, final %s, initial %s', format_type(a.aggtranstype, NULL), a.aggtransfn::text, a.aggfinalfn::text, a.agginitval) FROM pg_aggregate a WHERE a.aggfnoid = p.oid)
ELSE pg_get_functiondef(p.oid) END || ${ownership('p.proowner', 'p.proacl', 'f')} || ${comment('p.oid', 'pg_proc')}
FROM pg_proc p JOIN schemas n ON n.oid = p.pronamespace WHERE ${isFree('p.oid', 'pg_proc')}`,

  `SELECT 'trigger', format('%I.%I.%I', n.nspname, c.relname, t.tgname), pg_get_triggerdef(t.oid) || CASE t.tgenabled WHEN 'O' THEN '' ELSE ' enabled ' || t.tgenabled::text END || ${comment('t.oid', 'pg_trigger')}
FROM pg_trigger t JOIN relations c ON c.oid = t.tgrelid JOIN schemas n ON n.oid = c.relnamespace WHERE NOT t.tgisinternal`,

  `SELECT 'rule', format('%I.%I.%I', n.nspname, c.relname, r.rulename), pg_get_ruledef(r.oid) || CASE r.ev_enabled WHEN 'O' THEN '' ELSE ' enabled ' || r.ev_enabled::text END
FROM pg_rewrite r JOIN relations c ON c.oid = r.ev_class JOIN schemas n ON n.oid = c.relnamespace WHERE r.rulename <> '_RETURN'`,

  `SELECT 'policy', format('%I.%I.%I', n.nspname, c.relname, p.polname), CASE WHEN p.polpermissive THEN 'permissive' ELSE 'restrictive' END || ' for ' || p.polcmd::text || ' to '
|| COALESCE((SELECT string_agg(pg_get_userbyid(role), ', ' ORDER BY pg_get_userbyid(role)) FROM unnest(p.polroles) role WHERE role <> 0), 'public')
|| COALESCE(' using (' || pg_get_expr(p.polqual, p.polrelid) || ')', '') || COALESCE(' with check (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')', '') || ${comment('p.oid', 'pg_policy')}
FROM pg_policy p JOIN relations c ON c.oid = p.polrelid JOIN schemas n ON n.oid = c.relnamespace`,

  `SELECT 'statistics', format('%I.%I', n.nspname, s.stxname), pg_get_statisticsobjdef(s.oid) || ${comment('s.oid', 'pg_statistic_ext')}
FROM pg_statistic_ext s JOIN schemas n ON n.oid = s.stxnamespace`,

  `SELECT 'event trigger', format('%I', t.evtname), t.evtevent || ' ' || t.evtfoid::regproc::text || ' ' || t.evtenabled::text || COALESCE(' when ' || array_to_string(t.evttags, ', '), '')
FROM pg_event_trigger t WHERE ${isFree('t.oid', 'pg_event_trigger')}`,

  `SELECT 'publication', format('%I', p.pubname), format('all %s insert %s update %s delete %s truncate %s root %s', p.puballtables, p.pubinsert, p.pubupdate, p.pubdelete, p.pubtruncate, p.pubviaroot)
|| COALESCE((SELECT ' tables ' || string_agg(format('%I.%I', t.schemaname, t.tablename), ', ' ORDER BY t.schemaname, t.tablename) FROM pg_publication_tables t WHERE t.pubname = p.pubname), '')
FROM pg_publication p`,

  `SELECT 'default privileges', format('%s in %s for %s', d.defaclobjtype, COALESCE(n.nspname::text, 'all schemas'), pg_get_userbyid(d.defaclrole)),
(SELECT string_agg(entry::text, ', ' ORDER BY entry::text) FROM unnest(d.defaclacl) entry)
FROM pg_default_acl d LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace`,

  `SELECT 'role', r.rolname::text, concat_ws(' ', CASE WHEN r.rolsuper THEN 'superuser' END, CASE WHEN r.rolinherit THEN 'inherit' END, CASE WHEN r.rolcreaterole THEN 'createrole' END,
CASE WHEN r.rolcreatedb THEN 'createdb' END, CASE WHEN r.rolcanlogin THEN 'login' END, CASE WHEN r.rolreplication THEN 'replication' END, CASE WHEN r.rolbypassrls THEN 'bypassrls' END)
FROM pg_roles r WHERE r.oid >= ${FIRST_USER_OID}`,

  ...Object.entries(NAMED).map(
    ([
      kind,
      catalog,
    ]) => `SELECT '${kind}', (pg_identify_object('${catalog}'::regclass, o.oid, 0)).identity, ${comment('o.oid', catalog)}
FROM ${catalog} o WHERE o.oid >= ${FIRST_USER_OID} AND ${isFree('o.oid', catalog)}`,
  ),
]

/** The message that reads the schema in one round trip; names come out with their schemas, whatever search_path says. */
export function snapshotMessage({ history, log }: Tables): string {
  return `BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY;
SET LOCAL search_path = '';
WITH schemas AS (SELECT * FROM pg_catalog.pg_namespace n WHERE n.nspname NOT LIKE 'pg!_%' ESCAPE '!' AND n.nspname <> 'information_schema' AND ${isFree('n.oid', 'pg_namespace')}),
ours AS (SELECT to_regclass(${quoteLiteral(history)})::oid AS oid UNION ALL SELECT to_regclass(${quoteLiteral(log)})::oid),
relations AS (SELECT * FROM pg_catalog.pg_class c WHERE ${isFree('c.oid', 'pg_class')} AND NOT EXISTS (SELECT FROM ours o WHERE o.oid = c.oid)
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_index i JOIN ours o ON o.oid = i.indrelid WHERE i.indexrelid = c.oid))
SELECT * FROM (${KINDS.join('\nUNION ALL\n')}) found (kind, name, definition);
COMMIT;`
}

/** Decodes the answer to `snapshotMessage`. */
export function parseSnapshot(rows: readonly (readonly (string | null)[])[]): Snapshot {
  return rows.map(([kind, name, definition]) => ({ kind: kind ?? '', name: name ?? '', definition: definition ?? '' }))
}
