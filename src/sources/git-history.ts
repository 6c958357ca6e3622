import { resolve } from 'node:path'
import { checksumOf, normalizeText } from '../core/checksum.ts'
import { readMoment } from '../core/moment.ts'
import type { FileVersion, GitGap, Provenance } from '../core/provenance.ts'
import { callGit } from './git-process.ts'

/** A version of a file that is looked for. */
export interface WantedVersion {
  /** The file's name, whether it is there or not. */
  readonly fileName: string
  /** What the database recorded. */
  readonly checksum: string
}

/** A version as a commit brought it, not yet read. */
interface Candidate extends Omit<FileVersion, 'text' | 'isMoved'> {
  readonly blob: string
}

/** Versions by their checksums. */
type Found = ReadonlyMap<string, Omit<FileVersion, 'isMoved'>>

/** What the versions of the files looked for may come to, in bytes. */
const MAX_BYTES = 256 * 1024 * 1024

/** The commits of all branches, and those that an amend or a rebase has left behind; sides of merges as well. */
const LOG = ['log', '--all', '--reflog', '-m', '--raw', '--no-abbrev', '-z', '--encoding=UTF-8']
const FORMAT = '--format=format:%x01%H%x00%aI%x00%an%x00%s%x00'

/**
 * Looks in git's history for the versions of files in one folder whose checksums are known, by content: line endings
 * and byte order marks do not matter, nor whether the file was called otherwise. The answers are in the order of
 * `wanted`; of several commits that brought one version the newest is named. The folder `dir` must be there.
 */
export async function findVersions(
  dir: string,
  cwd: string,
  wanted: readonly WantedVersion[],
  deadlineMs: number,
): Promise<readonly Provenance[]> {
  const folder = resolve(cwd, dir)
  const until = performance.now() + deadlineMs
  const left = (): number => Math.max(1, Math.round(until - performance.now()))
  const fileNames = [...new Set(wanted.map(({ fileName }) => fileName))]
  const [place, log] = await Promise.all([
    callGit({ cwd: folder, args: ['rev-parse', '--show-prefix', '--is-shallow-repository'], deadlineMs: left() }),
    callGit({
      cwd: folder,
      args: [...LOG, '--full-history', '--no-renames', FORMAT, '--', ...fileNames],
      deadlineMs: left(),
    }),
  ])
  if (!place.ok) return wanted.map(() => gap(place.gap))
  if (!log.ok) return wanted.map(() => gap(log.gap))
  const [prefix = '', isShallow] = place.stdout.toString('utf8').split('\n')

  const checksums = new Set(wanted.map(({ checksum }) => checksum))
  const found = await readVersions(folder, parseLog(log.stdout), checksums, left())
  if (typeof found === 'string') return wanted.map(() => gap(found))

  const answer = async ({ fileName, checksum }: WantedVersion): Promise<Provenance> => {
    const known = (versions: Found): Provenance | null => {
      const version = versions.get(checksum)
      const isMoved = version?.file !== `${prefix}${fileName}`
      return version === undefined ? null : { found: true, version: { ...version, isMoved } }
    }
    const direct = known(found)
    if (direct !== null) return direct
    // By another path: following renames costs git a look at all that each commit changed, so it comes second.
    const followed = await callGit({
      cwd: folder,
      args: [...LOG, '--follow', '-M', FORMAT, '--', fileName],
      deadlineMs: left(),
    })
    if (!followed.ok) return gap(followed.gap)
    const older = await readVersions(folder, parseLog(followed.stdout), checksums, left())
    if (typeof older === 'string') return gap(older)
    return known(older) ?? gap(isShallow === 'true' ? 'shallow-clone' : 'not-committed')
  }
  const answers: Provenance[] = []
  for (const version of wanted) answers.push(await answer(version))
  return answers
}

function gap(reason: GitGap): Provenance {
  return { found: false, gap: reason }
}

/** Decodes `LOG` in `FORMAT`: everything is between NULs, so no name and no subject can be taken for something else. */
function parseLog(output: Buffer): readonly Candidate[] {
  const tokens = output.toString('utf8').split('\0')
  const candidates: Candidate[] = []
  let at = 0
  while (at < tokens.length) {
    const head = tokens[at++] ?? ''
    if (!head.startsWith('\u0001')) continue
    const [date = '', author = '', subject = ''] = tokens.slice(at, at + 3)
    at += 3
    // `:<modes> <blob before> <blob after> <status>`, then the path, or of a rename the old and the new one.
    for (;;) {
      const [, blob, status] = /^\n?:\d+ \d+ [0-9a-f]+ ([0-9a-f]+) ([A-Z])/.exec(tokens[at] ?? '') ?? []
      if (blob === undefined || status === undefined) break
      at += status === 'R' || status === 'C' ? 2 : 1
      const file = tokens[at++] ?? ''
      const isGone = /^0+$/.test(blob)
      if (!isGone) candidates.push({ commit: head.slice(1), date: readMoment(date), author, subject, file, blob })
    }
  }
  return candidates
}

/** Reads the candidates and returns those whose checksums are wanted, by checksum. */
async function readVersions(
  folder: string,
  candidates: readonly Candidate[],
  wanted: ReadonlySet<string>,
  deadlineMs: number,
): Promise<Found | GitGap> {
  const newest = new Map<string, Candidate>()
  for (const candidate of candidates) if (!newest.has(candidate.blob)) newest.set(candidate.blob, candidate)
  const found = new Map<string, Omit<FileVersion, 'isMoved'>>()
  if (newest.size === 0) return found
  const blobs = await callGit({
    cwd: folder,
    args: ['cat-file', '--batch'],
    input: [...newest.keys(), ''].join('\n'),
    deadlineMs,
    maxBytes: MAX_BYTES,
  })
  if (!blobs.ok) return blobs.gap
  for (const [blob, content] of splitBatch(blobs.stdout)) {
    const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(content)
    const checksum = checksumOf(text)
    const candidate = newest.get(blob)
    if (candidate === undefined || !wanted.has(checksum) || found.has(checksum)) continue
    const { blob: _blob, ...version } = candidate
    found.set(checksum, { ...version, text: normalizeText(text) })
  }
  return found
}

/** Decodes the answer of `git cat-file --batch`: `<id> <type> <size>`, a line feed, the content, a line feed. */
function* splitBatch(output: Buffer): Generator<readonly [string, Buffer]> {
  for (let at = 0; at < output.length;) {
    const end = output.indexOf('\n', at)
    const [id = '', type, size] = output.toString('utf8', at, end < 0 ? output.length : end).split(' ')
    if (end < 0) return
    at = end + 1
    // What a partial clone lacks is "missing" and has no content.
    if (size === undefined) continue
    if (type === 'blob') yield [id, output.subarray(at, at + Number(size))]
    at += Number(size) + 1
  }
}
