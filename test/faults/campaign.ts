import type { TrialReport } from './trial.ts'

/**
 * How many cases a campaign takes: a sample, as `npm test` does; all that there are with `FAULTS=all`, as
 * `npm run test:faults` does; with a number, so many.
 */
function sizeOf(sample: number): number {
  const wanted = process.env['FAULTS']
  if (wanted === undefined || wanted === '') return sample
  return wanted === 'all' ? Number.POSITIVE_INFINITY : Number(wanted)
}

/** One of several parts of a campaign, counted from 1. */
export interface Share {
  readonly part: number
  readonly of: number
}

/** Reads `3/20`; the whole when nothing is said. Throws for anything else. */
export function readShare(text: string | undefined): Share {
  if (text === undefined || text === '') return { part: 1, of: 1 }
  const [, part, of] = (/^(\d+)\/(\d+)$/.exec(text) ?? []).map(Number)
  if (part === undefined || of === undefined || part < 1 || part > of)
    throw new Error(`FAULTS_PART: ${text} is no part; 3/20 is the third of twenty.`)
  return { part, of }
}

/** `FAULTS_PART=3/20` takes the third of twenty parts of all cases, the same ones on every machine. */
const SHARE: Share = readShare(process.env['FAULTS_PART'])

/** The items of one part, dealt out by their index like cards: the parts have nothing in common and nothing is left. */
export function takeShare<Item>(items: readonly Item[], { part, of }: Share): readonly Item[] {
  return items.filter((_, index) => index % of === part - 1)
}

/** At most `most` of the items, evenly spread. */
export function thinOut<Item>(items: readonly Item[], most: number): readonly Item[] {
  if (items.length <= most) return items
  return items.filter(
    (_, index) => Math.floor((index * most) / items.length) !== Math.floor(((index - 1) * most) / items.length),
  )
}

/**
 * The cases that a campaign takes out of all that there are, in an order by the seed: as many as `FAULTS` says, out of
 * the part that `FAULTS_PART` says. `most` is how many count as all, where each is dear.
 */
export function choose<Item>(
  items: readonly Item[],
  sample: number,
  dice: () => number,
  most: number = Number.POSITIVE_INFINITY,
): readonly Item[] {
  return draw(takeShare(thinOut(items, most), SHARE), sizeOf(sample), dice)
}

/** What chance decides in a sample is decided by this number; it is printed, and `FAULTS_SEED` sets it. */
export const SEED: number = Number(process.env['FAULTS_SEED'] ?? Math.floor(Math.random() * 2 ** 31))

/** Numbers from 0 to 1, always the same for one seed (mulberry32). */
export function createDice(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** `count` of the items, spread by the dice; all of them when there are no more. In a new order. */
function draw<Item>(items: readonly Item[], count: number, dice: () => number): readonly Item[] {
  return items
    .map((item) => ({ item, at: dice() }))
    .toSorted((a, b) => a.at - b.at)
    .slice(0, count)
    .map(({ item }) => item)
}

/** One case of a campaign, in words that are enough to run it again. */
export interface Named {
  readonly name: string
}

/**
 * Works through the cases, `width` at a time, prints whatever does not hold and one line for the table, and returns the
 * names of the cases that failed.
 */
export async function runCampaign<Case extends Named>(
  title: string,
  cases: readonly Case[],
  width: number,
  work: (one: Case) => Promise<TrialReport>,
): Promise<readonly string[]> {
  const since = Date.now()
  const failures: string[] = []
  const endings = new Map<string, number>()
  const queue = [...cases]
  let struck = 0
  const worker = async (): Promise<void> => {
    for (let one = queue.shift(); one !== undefined; one = queue.shift()) {
      const report = await work(one).catch((cause: unknown) => broken(cause))
      if (report.hasStruck) struck++
      const ending = report.sayings.map(({ exitCode }) => exitCode ?? 'killed').join(' → ')
      endings.set(ending, (endings.get(ending) ?? 0) + 1)
      if (report.violations.length > 0) {
        failures.push(one.name)
        process.stdout.write(`${describeFailure(title, one, report)}\n`)
      }
    }
  }
  await Promise.all(Array.from({ length: width }, worker))
  const list = [...endings].toSorted((a, b) => b[1] - a[1]).map(([ending, count]) => `${ending} (${count})`)
  const part = SHARE.of === 1 ? '' : `, part ${SHARE.part}/${SHARE.of}`
  process.stdout.write(
    `faults | ${title}${part} | ${cases.length} cases | ${struck} struck | ${failures.length} violations | ${Math.round((Date.now() - since) / 1000)} s | seed ${SEED} | ${list.join(', ')}\n`,
  )
  return failures
}

function broken(cause: unknown): TrialReport {
  const what = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)
  return { violations: [`the trial itself broke: ${what}`], hasStruck: false, trace: [], sayings: [] }
}

function describeFailure(title: string, { name }: Named, { violations, trace, sayings }: TrialReport): string {
  const said = sayings.map(
    ({ exitCode, stdout, stderr }) => `  ended with ${exitCode}: ${stdout.trim()}\n${indent(stderr)}`,
  )
  return [
    `${title}: ${name} (seed ${SEED})`,
    ...violations.map((violation) => `  VIOLATION ${violation}`),
    ...said,
    ...trace.slice(-12).map((line) => `  ${line}`),
  ].join('\n')
}

function indent(text: string): string {
  return text.trim().replaceAll(/^/gm, '    ')
}
