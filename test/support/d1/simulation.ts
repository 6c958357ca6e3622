import { randomUUID } from 'node:crypto'
import initSqlJs from 'sql.js'
import type { Database, Statement } from 'sql.js'
import { checksumOf } from '../../../src/core/checksum.ts'
import type { Target } from '../../../src/core/driver.ts'
import { MigrationManagerError } from '../../../src/core/errors.ts'
import { unreadRow } from '../../../src/core/history.ts'
import type { AppliedMigration } from '../../../src/core/history.ts'
import { findLogBreak } from '../../../src/core/log.ts'
import type { Migration } from '../../../src/core/migration.ts'
import type { Outcome } from '../../../src/core/outcome.ts'
import { planSync } from '../../../src/core/plan.ts'
import type { Plan } from '../../../src/core/plan.ts'
import { DEFAULT_LIMITS } from '../../../src/core/policy.ts'
import { planRollback } from '../../../src/core/rollback-plan.ts'
import { LostAnswer, QueryFailure } from '../../../src/drivers/d1/client.ts'
import type { D1Client, Query, Rows } from '../../../src/drivers/d1/client.ts'
import { connectD1 } from '../../../src/drivers/d1/connection.ts'
import { parseLog } from '../../../src/drivers/d1/log.ts'
import type { D1Endpoint } from '../../../src/drivers/d1/url.ts'
import { syncTarget } from '../../../src/runner/sync-target.ts'

/*
 * The driver's own protocol code over a real SQLite (sql.js), with a network that loses, delays and doubles requests and
 * two runs at once. Time does not pass by itself: a wheel turns, and each turn lets one thing happen, chosen by the seed.
 */

/** What a seed came to: what was found wrong, and whether anything was disturbed at all. */
export interface Simulated {
  readonly violations: readonly string[]
  readonly faults: number
}

/** One SQLite for all seeds: making one takes longer than a run. */
export interface World {
  simulate(seed: number): Promise<Simulated>
}

export async function createWorld(): Promise<World> {
  const sqlite = await initSqlJs()
  const database = new sqlite.Database()
  return { simulate: (seed) => simulate(database, seed) }
}

const NAMES = ['001-a', '002-b', '003-c'] as const

/** What happens to one run. */
interface Fortune {
  readonly isDisturbed: boolean
  /** The request at which its process dies. */
  readonly crashAt: number
  /** The request in the middle of which it is interrupted, as by ^C; that request may arrive all the same. */
  readonly stopAt: number
}

/** How one run ended; `crashed`: its process died in the middle. */
type RunEnd =
  | { readonly kind: 'outcome'; readonly outcome: Outcome }
  | { readonly kind: 'thrown'; readonly error: MigrationManagerError }
  | { readonly kind: 'crashed' }

async function simulate(database: Database, seed: number): Promise<Simulated> {
  const random = createRandom(seed)
  const wheel = createWheel(random)
  let faults = 0
  for (const table of ['schema_migrations', 'schema_migrations_log', 'schema_migrations_lock', 'effect']) {
    database.run(`DROP TABLE IF EXISTS ${table}`)
  }
  database.run('CREATE TABLE effect (id integer PRIMARY KEY AUTOINCREMENT, name text NOT NULL)')
  const isDown = random() < 0.3
  // A bad network makes runs give up, and then what they said last must stay true.
  const badness = [0.2, 0.4, 0.75][Math.floor(random() * 3)] ?? 0.4
  const failing = !isDown && random() < 0.15 ? '002-b' : null
  const files = NAMES.map((name) => makeMigration(name, name === failing))

  const carryOut = (queries: readonly Query[]): readonly Rows[] => runBatch(database, queries)
  const passLease = (): void => {
    if (hasTable(database, 'schema_migrations_lock')) {
      database.run("UPDATE schema_migrations_lock SET expires_at = '2000-01-01T00:00:00.000Z'")
    }
  }

  /** One request over the network. */
  function createClient({ isDisturbed, crashAt, stopAt }: Fortune, stop: () => void): D1Client {
    let requests = 0
    return {
      async batch(queries) {
        requests++
        if (isDisturbed && random() < 0.02) passLease()
        const fate = isDisturbed && random() < badness ? random() : 1
        const isCrash = requests === crashAt
        if (fate < 1 || isCrash) faults++
        await wheel.turn()
        if (isCrash) {
          if (random() < 0.5) swallow(() => carryOut(queries))
          return new Promise<never>(() => {})
        }
        if (requests === stopAt) {
          stop()
          wheel.later(() => swallow(() => carryOut(queries)))
          throw new LostAnswer('interrupted')
        }
        if (fate < 0.2) throw new LostAnswer('request lost')
        if (fate < 0.45) {
          swallow(() => carryOut(queries))
          throw new LostAnswer('answer lost')
        }
        if (fate < 0.7) {
          wheel.later(() => swallow(() => carryOut(queries)))
          throw new LostAnswer('late')
        }
        if (fate < 0.85) {
          wheel.later(() => swallow(() => carryOut(queries)))
          return carryOut(queries)
        }
        if (fate < 1) {
          swallow(() => carryOut(queries))
          return carryOut(queries)
        }
        const rows = carryOut(queries)
        await wheel.turn()
        return rows
      },
      bookmark: async () => null,
      async close() {},
    }
  }

  async function run(runId: string, fortune: Fortune): Promise<RunEnd> {
    const interruption = new AbortController()
    try {
      const connection = await connectD1(
        { openClient: async () => createClient(fortune, () => interruption.abort()), pause: () => wheel.turn() },
        targetOf(runId),
        () => {},
        interruption.signal,
      )
      const plan = (history: readonly AppliedMigration[]): Plan =>
        isDown
          ? planRollback('dev', files, history, { kind: 'to', version: '0' }, new Set())
          : planSync('dev', files, history, { allow: new Set() })
      const first = plan((await connection.read()).history)
      return { kind: 'outcome', outcome: await syncTarget(connection, first, plan, () => {}) }
    } catch (error) {
      if (!(error instanceof MigrationManagerError)) throw error
      return { kind: 'thrown', error }
    }
  }

  if (isDown) {
    for (const name of NAMES) database.run('INSERT INTO effect (name) VALUES (?)', [`set up ${name}`])
    await wheel.spin(setUp(files, carryOut, wheel.turn))
    database.run('DELETE FROM effect')
  }

  const runIds = [randomUUID(), randomUUID()] as const
  const sometime = (): number => (random() < 0.2 ? 1 + Math.floor(random() * 12) : Infinity)
  const runs = runIds.map((runId) => run(runId, { isDisturbed: true, crashAt: sometime(), stopAt: sometime() }))
  const ends = await wheel.spinAll(runs, passLease)
  wheel.flush()
  const afterwards = readState(database)

  // Nothing is wedged: a run without disturbances, once the time of a dead owner is over, brings all of it to its end.
  passLease()
  const lastId = randomUUID()
  const last = await wheel.spin(run(lastId, { isDisturbed: false, crashAt: Infinity, stopAt: Infinity }))
  wheel.flush()

  return {
    violations: judge({ isDown, failing, runIds, ends, afterwards, last, lastId, final: readState(database) }),
    faults,
  }
}

/** What is in the database, past the driver. */
interface State {
  readonly effects: readonly string[]
  /** The runs by the names of the migrations that they have applied, as the history says. */
  readonly rows: ReadonlyMap<string, string>
  /** The runs by the names of the migrations that they have applied or taken back, as the log says. */
  readonly owners: readonly (readonly [name: string, runId: string])[]
  readonly logBreak: string | null
}

interface Case {
  readonly isDown: boolean
  readonly failing: string | null
  readonly runIds: readonly string[]
  readonly ends: readonly RunEnd[]
  readonly afterwards: State
  readonly last: RunEnd
  readonly lastId: string
  readonly final: State
}

/** What is not as it is promised. */
function judge({ isDown, failing, runIds, ends, afterwards, last, lastId, final }: Case): readonly string[] {
  const violations: string[] = []
  const order: readonly string[] = isDown ? NAMES.toReversed() : NAMES
  for (const [when, { effects, rows, owners, logBreak }] of [
    ['afterwards', afterwards],
    ['in the end', final],
  ] as const) {
    const says = (what: string): void => void violations.push(`${when}: ${what}`)
    if (effects.some((name, index) => name !== order[index])) says(`effects ${effects.join(' ')}`)
    const expected = isDown ? NAMES.filter((name) => !effects.includes(name)) : effects
    if ([...rows.keys()].toSorted().join() !== expected.toSorted().join()) {
      says(`effects ${effects.join(' ')}, but rows ${[...rows.keys()].join(' ')}`)
    }
    if (owners.map(([name]) => name).join() !== effects.join())
      says(`log ${owners.join(' ')}, effects ${effects.join(' ')}`)
    if (logBreak !== null) says(`the log is broken: ${logBreak}`)
  }
  for (const [index, end] of [...ends, last].entries()) {
    const runId = [...runIds, lastId][index] ?? ''
    const own = final.owners.filter(([, owner]) => owner === runId).map(([name]) => name)
    if (end.kind !== 'outcome') {
      if (end.kind === 'thrown' && own.length > 0)
        violations.push(`a run threw ${end.error.code} and did ${own.join(' ')}`)
      continue
    }
    const { done, failed, status } = end.outcome
    const said = done.map(({ name }) => name)
    for (const name of said) if (!own.includes(name)) violations.push(`a run said ${name}, which it did not do`)
    for (const name of own) {
      if (said.includes(name)) continue
      const mayBe = status === 'unknown' && failed?.name === name
      if (!mayBe)
        violations.push(`a run did ${name} and said ${status} (${failed?.error.code ?? ''} ${failed?.name ?? ''})`)
    }
  }
  const goal = failing === null ? order : order.slice(0, order.indexOf(failing))
  if (final.effects.join() !== goal.join()) violations.push(`wedged at ${final.effects.join(' ')}`)
  if (failing === null && (last.kind !== 'outcome' || last.outcome.failed !== null))
    violations.push('the last run failed')
  return violations
}

function readState(database: Database): State {
  const all = (sql: string): readonly Readonly<Record<string, unknown>>[] => runBatch(database, [{ sql }])[0] ?? []
  const isPrepared = hasTable(database, 'schema_migrations_log')
  const rows = new Map(
    (isPrepared ? all('SELECT migration_name AS name, run_id AS run FROM schema_migrations') : []).map(
      ({ name, run }) => [String(name), String(run)] as const,
    ),
  )
  const log = isPrepared ? all('SELECT * FROM schema_migrations_log ORDER BY id') : []
  let previous = ''
  let logBreak: string | null = null
  for (const [index, entry] of log.entries()) {
    if (entry['id'] !== index + 1 || entry['previous_hash'] !== previous) logBreak ??= `row ${index + 1}`
    previous = String(entry['hash'])
  }
  return {
    effects: all('SELECT name FROM effect ORDER BY id').map(({ name }) => String(name)),
    rows,
    owners: log
      .filter(({ event, run_id: run }) => (event === 'apply' || event === 'rollback') && run !== SET_UP)
      .map(({ migration_name: name, run_id: run }) => [String(name), String(run)] as const),
    logBreak: logBreak ?? brokenBy(log, rows),
  }
}

/** What the tool itself says of the log. */
function brokenBy(log: readonly Readonly<Record<string, unknown>>[], rows: ReadonlyMap<string, string>): string | null {
  const entries = parseLog(log)
  const history = [...rows.keys()].map((name) => unreadRow({ name, checksum: '' }, 'applied'))
  const found = findLogBreak(entries, history)
  return found === null ? null : `${found.reason} at ${found.id}`
}

const SET_UP = '00000000-0000-4000-8000-000000000000'

/** Applies all files without disturbance. */
async function setUp(
  files: readonly Migration[],
  carryOut: (queries: readonly Query[]) => readonly Rows[],
  turn: () => Promise<void>,
): Promise<void> {
  const client: D1Client = {
    batch: async (queries) => carryOut(queries),
    bookmark: async () => null,
    async close() {},
  }
  const connection = await connectD1(
    { openClient: async () => client, pause: turn },
    targetOf(SET_UP),
    () => {},
    new AbortController().signal,
  )
  const plan = (history: readonly AppliedMigration[]): Plan => planSync('dev', files, history, { allow: new Set() })
  await syncTarget(connection, plan([]), plan, () => {})
}

function makeMigration(name: string, fails: boolean): Migration {
  const up = `INSERT INTO effect (name) VALUES ('${name}');\n${fails ? 'SELECT * FROM nowhere;\n' : ''}`
  const file = `database/${name}.sql`
  return {
    version: name.slice(0, 3),
    name,
    file,
    checksum: checksumOf(up),
    up,
    down: { sql: up, file, firstLine: 1 },
    lines: 1,
  }
}

function targetOf(runId: string): Target<D1Endpoint> {
  return {
    environment: {
      name: 'dev',
      engine: 'd1',
      endpoint: { kind: 'local', persistDir: '/nowhere', databaseId: 'simulated', projectDir: '/nowhere' },
      secrets: [],
      protected: false,
      order: 0,
      origin: 'DATABASE_URL',
      migrationsDir: 'database',
    },
    historySchema: 'public',
    limits: DEFAULT_LIMITS,
    runId,
    actor: { osUser: 'simulation', gitCommit: null, ciRun: null, ciJob: null, isTreeDirty: async () => null },
  }
}

/** One batch as D1 carries it out: all of it or nothing. */
function runBatch(database: Database, queries: readonly Query[]): readonly Rows[] {
  database.run('BEGIN')
  try {
    const answers = queries.map(({ sql, params = [] }) => {
      const statement = prepare(database, sql)
      try {
        statement.bind([...params])
        const rows: Record<string, unknown>[] = []
        while (statement.step()) rows.push(statement.getAsObject())
        return rows
      } finally {
        statement.reset()
      }
    })
    database.run('COMMIT')
    return answers
  } catch (cause) {
    database.run('ROLLBACK')
    throw new QueryFailure(cause instanceof Error ? cause.message : String(cause))
  }
}

const caches = new WeakMap<Database, Map<string, Statement>>()

/** Most statements of all seeds are the same few, and preparing them takes longer than running them. */
function prepare(database: Database, sql: string): Statement {
  const cache = caches.get(database) ?? new Map<string, Statement>()
  caches.set(database, cache)
  const statement = cache.get(sql) ?? database.prepare(sql)
  cache.set(sql, statement)
  return statement
}

function hasTable(database: Database, name: string): boolean {
  return (
    (runBatch(database, [{ sql: 'SELECT 1 FROM sqlite_master WHERE name = ?1', params: [name] }])[0] ?? []).length > 0
  )
}

function swallow(work: () => unknown): void {
  try {
    work()
  } catch (cause) {
    if (!(cause instanceof QueryFailure)) throw cause
  }
}

/** Lets one thing happen at a time, in an order that the seed decides. */
interface Wheel {
  /** Resolves when it is this one's turn. */
  readonly turn: () => Promise<void>
  /** Happens some turns from now, perhaps when everybody has gone home. */
  later(work: () => void): void
  spin<T>(work: Promise<T>): Promise<T>
  /** Turns until each has ended, or can never end because it crashed. */
  spinAll(works: readonly Promise<RunEnd>[], passLease: () => void): Promise<readonly RunEnd[]>
  /** Lets everything happen that is still to come. */
  flush(): void
}

function createWheel(random: () => number): Wheel {
  let waiting: { readonly go: () => void; readonly from: number }[] = []
  let now = 0

  /** Lets one thing happen; false when nothing can. */
  function step(): boolean {
    now++
    const ready = waiting.filter(({ from }) => from <= now)
    const next = ready[Math.floor(random() * ready.length)] ?? waiting[0]
    if (next === undefined) return false
    waiting = waiting.filter((each) => each !== next)
    next.go()
    return true
  }

  const wheel: Wheel = {
    turn: () => new Promise((resolve) => waiting.push({ go: resolve, from: 0 })),
    later: (work) => void waiting.push({ go: work, from: now + 1 + Math.floor(random() ** 3 * 200) }),
    async spin(work) {
      const ended = watch(work)
      await settle()
      while (!ended.isOver) {
        if (!step()) await new Promise((resolve) => setImmediate(resolve))
        await settle()
      }
      return work
    },
    async spinAll(works, passLease) {
      const ended = works.map(watch)
      for (let idle = 0; ended.some(({ isOver }) => !isOver) && idle < 50;) {
        await settle()
        // A dead owner keeps others out until its time is over.
        if (random() < 0.02) passLease()
        if (step()) idle = 0
        else {
          idle++
          await new Promise((resolve) => setImmediate(resolve))
        }
      }
      const crashed: RunEnd = { kind: 'crashed' }
      return Promise.all(works.map((work, index) => (ended[index]?.isOver === true ? work : Promise.resolve(crashed))))
    },
    flush() {
      while (step());
    },
  }
  return wheel
}

/** Whether a promise has been kept or broken. */
function watch(work: Promise<unknown>): { isOver: boolean } {
  const ended = { isOver: false }
  const end = (): void => void (ended.isOver = true)
  work.then(end, end)
  return ended
}

/** Until all that follows from what has just happened has happened. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 40; turn++) await Promise.resolve()
}

/** Mulberry32: small, fast, and the same everywhere. */
function createRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
