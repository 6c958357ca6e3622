/** The one spelling of an environment's name: lower case, `_` for `-`, so that `eu-prod` is what `EU_PROD_…` names. */
export function foldName(name: string): string {
  return name.trim().toLowerCase().replaceAll('-', '_')
}

/** Whether a folded name can be an environment's: it must be possible as the beginning of a variable's name. */
export function isEnvironmentName(name: string): boolean {
  return /^[a-z0-9][a-z0-9_]{0,62}$/u.test(name)
}

/** The variable that a person sets to configure the environment. */
export function urlVariableOf(name: string): string {
  return name === 'dev' ? 'DATABASE_URL' : `${name.toUpperCase()}_DATABASE_URL`
}

/** The items of a comma-separated list, folded, without blanks. */
export function namesIn(list: string): readonly string[] {
  return list
    .split(',')
    .map(foldName)
    .filter((name) => name !== '')
}

/** The candidate that `word` is most likely a slip of, or undefined when none is close (a third of its letters). */
export function nearestName(word: string, candidates: Iterable<string>): string | undefined {
  let nearest: string | undefined
  let least = Math.max(1, Math.floor(word.length / 3)) + 1
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase())
    if (distance < least) {
      nearest = candidate
      least = distance
    }
  }
  return nearest
}

/**
 * Whether `word` is hardly anything but `known` misspelt: one letter is another, or up to two are missing, too many or in
 * the wrong order. (Two that are others make another word: DATALAKE_URL, METABASE_URL.)
 */
export function isSlipOf(word: string, known: string): boolean {
  return word !== known && Math.abs(word.length - known.length) <= 2 && editDistance(word, known, 2) <= 2
}

/** Whether one letter of `word` is missing, too many or has changed places with the next, and it is `known` then. */
export function isLetterOff(word: string, known: string): boolean {
  return editDistance(word, known, 2) === 1 && word.replace(/\D/gu, '') === known.replace(/\D/gu, '')
}

/**
 * How many letters must be inserted, removed, replaced or swapped with their neighbour to turn `a` into `b`; one that is
 * replaced counts `costOfReplacing`.
 */
function editDistance(a: string, b: string, costOfReplacing = 1): number {
  let beforeLast: readonly number[] = []
  let last: readonly number[] = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = at(last, j - 1) + (a[i - 1] === b[j - 1] ? 0 : costOfReplacing)
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      const swapped = isSwap ? at(beforeLast, j - 2) + 1 : Infinity
      row.push(Math.min(at(last, j) + 1, at(row, j - 1) + 1, replaced, swapped))
    }
    beforeLast = last
    last = row
  }
  return at(last, b.length)
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Infinity
}
