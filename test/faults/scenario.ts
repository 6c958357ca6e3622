/** What a migration leaves in a database, told apart from what the tool says about it. */
export interface Effects {
  /** Rows in the table `effect`, which has no key: a second run leaves a second row. */
  readonly markers?: readonly string[]
  readonly indexes?: readonly string[]
  /** Indexes of the template that are gone afterwards. */
  readonly droppedIndexes?: readonly string[]
  /** Labels of the enum type `mood`. */
  readonly labels?: readonly string[]
}

/** A project to be run against fresh databases, and all that it should come to. */
export interface Scenario {
  readonly name: string
  /** `rollback` takes everything back, in databases in which a sync has applied everything first. */
  readonly command: 'init' | 'sync' | 'rollback'
  /** All environments are brought to the end, or none. */
  readonly isAtomic?: boolean
  readonly files: Readonly<Record<string, string>>
  /** Files that differ when it is run again: what a person mends in between. */
  readonly mended?: Readonly<Record<string, string>>
  /** By migration, in the order in which they run. */
  readonly effects: Readonly<Record<string, Effects>>
  /** What the rollback of each migration leaves in the place of its effect; of `rollback` only. */
  readonly reverted?: Readonly<Record<string, Effects>>
  /** Migrations that are carried out, or taken back, step by step. */
  readonly stepwise: ReadonlySet<string>
}

/** What is in every database before the first run: the marker table, a table to be indexed, a type, and `observe()`. */
export const TEMPLATE = `
CREATE TABLE public.effect (name text NOT NULL, at timestamptz NOT NULL DEFAULT clock_timestamp(), pid int NOT NULL DEFAULT pg_backend_pid());
CREATE TABLE public.item (id int NOT NULL, code text NOT NULL, note text);
INSERT INTO public.item SELECT i, 'code ' || i, 'note' FROM generate_series(1, 500) i;
CREATE INDEX item_note ON public.item (note);
CREATE TYPE public.mood AS ENUM ('glad');
CREATE TABLE public.feeling (name text NOT NULL, mood public.mood NOT NULL);
`

/** Transactional migrations only: many in one message, each as a transaction of its own. */
export const TRANSACTIONAL: Scenario = {
  name: 'transactional',
  command: 'sync',
  files: {
    '001-account.sql':
      "CREATE TABLE account (id bigint PRIMARY KEY, name text);\nINSERT INTO effect VALUES ('001');\nCREATE INDEX account_name ON account (name);\n",
    '002-audit.sql':
      "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;\nCREATE TRIGGER touch BEFORE UPDATE ON account FOR EACH ROW EXECUTE FUNCTION touch();\nINSERT INTO effect VALUES ('002')",
    '003-own-transaction.sql':
      "BEGIN;\nALTER TABLE account ADD COLUMN email text;\nINSERT INTO effect VALUES ('003');\nUPDATE account SET email = name;\nCOMMIT;\n",
    '004-from-a-dump.sql':
      "SELECT pg_catalog.set_config('search_path', '', false);\nSET client_min_messages = error;\nINSERT INTO public.effect VALUES ('004');\n",
    '005-view.sql':
      "CREATE VIEW names AS SELECT name FROM account;\nINSERT INTO effect VALUES ('005');\nDO $do$ BEGIN PERFORM 1 FROM names; END $do$;\n",
  },
  effects: {
    '001-account': { markers: ['001'], indexes: ['account_name'] },
    '002-audit': { markers: ['002'] },
    '003-own-transaction': { markers: ['003'] },
    '004-from-a-dump': { markers: ['004'] },
    '005-view': { markers: ['005'] },
  },
  stepwise: new Set(),
}

/** What cannot run in a transaction, between migrations that do. */
export const MIXED: Scenario = {
  name: 'mixed',
  command: 'sync',
  files: {
    '001-first.sql': "CREATE TABLE first (id int);\nINSERT INTO effect VALUES ('001');\n",
    '002-index.sql': 'CREATE INDEX CONCURRENTLY item_code ON item (code);\n',
    '003-both.sql':
      "INSERT INTO effect VALUES ('003 a');\nCREATE UNIQUE INDEX CONCURRENTLY item_id ON item (id);\nINSERT INTO effect VALUES ('003 b');\n",
    '004-drop.sql': 'DROP INDEX CONCURRENTLY item_note;\n',
    '005-mood.sql':
      "ALTER TYPE mood ADD VALUE 'calm';\nINSERT INTO feeling VALUES ('005', 'calm');\nINSERT INTO effect VALUES ('005');\n",
    '006-vacuum.sql': "VACUUM (ANALYZE) item;\nINSERT INTO effect VALUES ('006');\nREINDEX TABLE CONCURRENTLY item;\n",
    '007-last.sql': "CREATE TABLE last (id int);\nINSERT INTO effect VALUES ('007');\n",
  },
  effects: {
    '001-first': { markers: ['001'] },
    '002-index': { indexes: ['item_code'] },
    '003-both': { markers: ['003 a', '003 b'], indexes: ['item_id'] },
    '004-drop': { droppedIndexes: ['item_note'] },
    '005-mood': { markers: ['005', 'feeling 005'], labels: ['calm'] },
    '006-vacuum': { markers: ['006'] },
    '007-last': { markers: ['007'] },
  },
  stepwise: new Set(['002-index', '003-both', '004-drop', '005-mood', '006-vacuum']),
}

/** One file fails when it runs and another cannot be parsed, until a person mends them. */
export const FAILING: Scenario = {
  name: 'failing',
  command: 'sync',
  files: {
    '001-good.sql': "INSERT INTO effect VALUES ('001');\n",
    '002-fails.sql': "INSERT INTO effect VALUES ('002');\nSELECT 1 / 0;\n",
    '003-does-not-parse.sql': "INSERT INTO effect VALUES ('003');\nSELEKT 1;\n",
  },
  mended: {
    '002-fails.sql': "INSERT INTO effect VALUES ('002');\nSELECT 1;\n",
    '003-does-not-parse.sql': "INSERT INTO effect VALUES ('003');\nSELECT 1;\n",
  },
  effects: {
    '001-good': { markers: ['001'] },
    '002-fails': { markers: ['002'] },
    '003-does-not-parse': { markers: ['003'] },
  },
  stepwise: new Set(),
}

/** The history tables, and nothing else. */
export const INIT: Scenario = { name: 'init', command: 'init', files: {}, effects: {}, stepwise: new Set() }

/** The same files, in all environments or in none. */
export const ATOMIC: Scenario = { ...TRANSACTIONAL, name: 'atomic', isAtomic: true }

/**
 * The same files with a way back: files of their own, a block in the file, a BEGIN and COMMIT of its own, an empty
 * search_path. Each leaves a marker where it takes one away.
 */
export const ROLLBACK: Scenario = {
  ...TRANSACTIONAL,
  name: 'rollback',
  command: 'rollback',
  files: {
    ...TRANSACTIONAL.files,
    '001-account.down.sql':
      "DROP TABLE account;\nDELETE FROM effect WHERE name = '001';\nINSERT INTO effect VALUES ('back 001');\n",
    '002-audit.down.sql':
      "DROP TRIGGER touch ON account;\nDROP FUNCTION touch();\nDELETE FROM effect WHERE name = '002';\nINSERT INTO effect VALUES ('back 002')",
    '003-own-transaction.down.sql':
      "BEGIN;\nDELETE FROM effect WHERE name = '003';\nALTER TABLE account DROP COLUMN email;\nINSERT INTO effect VALUES ('back 003');\nCOMMIT;\n",
    '004-from-a-dump.down.sql':
      "SELECT pg_catalog.set_config('search_path', '', false);\nDELETE FROM public.effect WHERE name = '004';\nINSERT INTO public.effect VALUES ('back 004');\n",
    '005-view.sql': `${TRANSACTIONAL.files['005-view.sql']}-- Rollback:\n-- DROP VIEW names;\n-- DELETE FROM effect WHERE name = '005';\n-- INSERT INTO effect VALUES ('back 005');\n`,
  },
  reverted: {
    '001-account': { markers: ['back 001'] },
    '002-audit': { markers: ['back 002'] },
    '003-own-transaction': { markers: ['back 003'] },
    '004-from-a-dump': { markers: ['back 004'] },
    '005-view': { markers: ['back 005'] },
  },
}

/** The same, in all environments or in none. */
export const ATOMIC_ROLLBACK: Scenario = { ...ROLLBACK, name: 'atomic rollback', isAtomic: true }

/** What cannot run in a transaction is taken back step by step, between migrations that can. */
export const STEPWISE_ROLLBACK: Scenario = {
  ...MIXED,
  name: 'rollback in steps',
  command: 'rollback',
  files: {
    ...MIXED.files,
    '001-first.down.sql':
      "DROP TABLE first;\nDELETE FROM effect WHERE name = '001';\nINSERT INTO effect VALUES ('back 001');\n",
    '002-index.down.sql': 'DROP INDEX CONCURRENTLY item_code;\n',
    '003-both.down.sql':
      "DELETE FROM effect WHERE name LIKE '003 _';\nINSERT INTO effect VALUES ('back 003 a');\nDROP INDEX CONCURRENTLY item_id;\nINSERT INTO effect VALUES ('back 003 b');\n",
    '004-drop.down.sql': 'CREATE INDEX CONCURRENTLY item_note ON item (note);\n',
    '005-mood.down.sql':
      "DELETE FROM feeling WHERE name = '005';\nDELETE FROM effect WHERE name = '005';\nINSERT INTO effect VALUES ('back 005');\n",
    '006-vacuum.down.sql':
      "VACUUM item;\nDELETE FROM effect WHERE name = '006';\nINSERT INTO effect VALUES ('back 006');\nREINDEX TABLE CONCURRENTLY item;\n",
    '007-last.down.sql':
      "DROP TABLE last;\nDELETE FROM effect WHERE name = '007';\nINSERT INTO effect VALUES ('back 007');\n",
  },
  // No label of an enum can be taken away again.
  effects: { ...MIXED.effects, '005-mood': { markers: ['005', 'feeling 005'] } },
  reverted: {
    '001-first': { markers: ['back 001'] },
    '002-index': { droppedIndexes: ['item_code'] },
    '003-both': { markers: ['back 003 a', 'back 003 b'], droppedIndexes: ['item_id'] },
    '004-drop': { indexes: ['item_note'] },
    '005-mood': { markers: ['back 005'] },
    '006-vacuum': { markers: ['back 006'] },
    '007-last': { markers: ['back 007'] },
  },
  stepwise: new Set(['002-index', '003-both', '004-drop', '006-vacuum']),
}

/** The server is still at work on a statement when the connection is cut, and commits later. */
export const LINGERING: Scenario = {
  name: 'lingering',
  command: 'sync',
  files: {
    '001-slow.sql': "INSERT INTO effect VALUES ('001');\nSELECT pg_sleep(0.7);\n",
    '002-step.sql':
      "-- migration: no-transaction\nINSERT INTO effect SELECT '002' FROM pg_sleep(0.7);\nCREATE INDEX CONCURRENTLY item_code ON item (code);\n",
  },
  effects: { '001-slow': { markers: ['001'] }, '002-step': { markers: ['002'], indexes: ['item_code'] } },
  stepwise: new Set(['002-step']),
}

export const SCENARIOS: readonly Scenario[] = [
  TRANSACTIONAL,
  MIXED,
  FAILING,
  LINGERING,
  INIT,
  ATOMIC,
  ROLLBACK,
  ATOMIC_ROLLBACK,
  STEPWISE_ROLLBACK,
]

/** A statement in a transaction that takes longer than it may, until a person mends it. */
export const SLOW_STATEMENT: Scenario = {
  name: 'slow statement',
  command: 'sync',
  files: { '001-slow.sql': "INSERT INTO effect VALUES ('001');\nSELECT pg_sleep(60);\n" },
  mended: { '001-slow.sql': "INSERT INTO effect VALUES ('001');\n" },
  effects: { '001-slow': { markers: ['001'] } },
  stepwise: new Set(),
}

/** The same outside of a transaction: it leaves half an index behind. */
export const SLOW_INDEX: Scenario = {
  name: 'slow index',
  command: 'sync',
  files: {
    '001-function.sql':
      "CREATE FUNCTION slowly(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.1); RETURN $1; END $$;\nINSERT INTO effect VALUES ('001');\n",
    '002-slow.sql': 'CREATE INDEX CONCURRENTLY item_slow ON item (slowly(id));\n',
  },
  mended: { '002-slow.sql': 'CREATE INDEX CONCURRENTLY item_slow ON item (id, code);\n' },
  effects: { '001-function': { markers: ['001'] }, '002-slow': { indexes: ['item_slow'] } },
  stepwise: new Set(['002-slow']),
}

/** More than a small disk holds, until a person mends it. */
export const TOO_BIG: Scenario = {
  name: 'too big',
  command: 'sync',
  files: {
    '001-small.sql': "INSERT INTO effect VALUES ('001');\n",
    '002-big.sql':
      "INSERT INTO effect VALUES ('002');\nCREATE TABLE big AS SELECT i, repeat('x', 2000) AS text FROM generate_series(1, 200000) i;\n",
  },
  mended: { '002-big.sql': "INSERT INTO effect VALUES ('002');\nCREATE TABLE big (id int);\n" },
  effects: { '001-small': { markers: ['001'] }, '002-big': { markers: ['002'] } },
  stepwise: new Set(),
}

/** A rebuild of all indexes of a table. */
export const REBUILD: Scenario = {
  name: 'rebuild',
  command: 'sync',
  files: { '001-rebuild.sql': "REINDEX TABLE CONCURRENTLY item;\nINSERT INTO effect VALUES ('001');\n" },
  effects: { '001-rebuild': { markers: ['001'] } },
  stepwise: new Set(['001-rebuild']),
}

/** A transaction whose commit takes its time, because a deferred trigger runs in it. */
export const SLOW_COMMIT: Scenario = {
  name: 'slow commit',
  command: 'sync',
  files: {
    '001-deferred.sql': `CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(1); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER wait AFTER INSERT ON effect DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION wait();
INSERT INTO effect VALUES ('001');\n`,
  },
  effects: { '001-deferred': { markers: ['001'] } },
  stepwise: new Set(),
}
