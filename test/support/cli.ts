import { spawn } from 'node:child_process'
import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

const ROOT = join(import.meta.dirname, '..', '..')

/** The built command line, as a user's shell starts it. */
export const MAIN: string = join(ROOT, 'dist', 'cli', 'main.cjs')

/** How a run of the command line ended and what it said. */
export interface CliResult {
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
  /** stdout as JSON; throws when it is not exactly one JSON object. */
  json(): Parsed
}

/** A whole tiny project in a folder of its own. */
export interface TestProject extends AsyncDisposable {
  readonly dir: string
  /** Writes a file, and its folder. */
  write(path: string, content: string | Uint8Array): void
  read(path: string): string
  remove(path: string): void
  /** Runs the command line to its end. */
  run(args: readonly string[], options?: RunOptions): Promise<CliResult>
  /** Starts the command line and hands over the process. */
  start(args: readonly string[], options?: RunOptions): ChildProcessWithoutNullStreams
}

export interface RunOptions {
  /** Variables in addition to the project's. */
  readonly env?: Readonly<Record<string, string>>
  readonly input?: string
  /** The working directory, relative to the project. */
  readonly cwd?: string
}

export interface ProjectOptions {
  /** Files by path: `database/001-a.sql`. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>
  /** A folder to copy first, relative to the repository: `test/fixtures/shop`. */
  readonly from?: string
  /** Environment variables of every run. Nothing else of this process's variables is seen but PATH and HOME. */
  readonly env?: Readonly<Record<string, string>>
}

export function createProject({ files = {}, from, env = {} }: ProjectOptions = {}): TestProject {
  const dir = mkdtempSync(join(tmpdir(), 'mm-e2e-'))
  if (from !== undefined) cpSync(join(ROOT, from), dir, { recursive: true })
  const project: TestProject = {
    dir,
    write(path, content) {
      mkdirSync(dirname(join(dir, path)), { recursive: true })
      writeFileSync(join(dir, path), content)
    },
    read: (path) => readFileSync(join(dir, path), 'utf8'),
    remove: (path) => rmSync(join(dir, path), { recursive: true, force: true }),
    start(args, options = {}) {
      return spawn(process.execPath, [MAIN, ...args], {
        cwd: join(dir, options.cwd ?? '.'),
        env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...env, ...options.env },
      })
    },
    run: (args, options = {}) => collect(project.start(args, options), options.input ?? ''),
    async [Symbol.asyncDispose]() {
      rmSync(dir, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
    },
  }
  for (const [path, content] of Object.entries(files)) project.write(path, content)
  return project
}

/** Waits for a started command line, gathering what it says. */
export function collect(child: ChildProcessWithoutNullStreams, input = ''): Promise<CliResult> {
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (exitCode) => {
      resolve({
        exitCode,
        stdout,
        stderr,
        json: () => parseObject(stdout),
      })
    })
  })
}

// eslint-disable-next-line typescript/no-explicit-any -- a test asserts on what it reads; the shape is what it tests
export type Parsed = Record<string, any>

function parseObject(text: string): Parsed {
  const value: unknown = JSON.parse(text)
  if (typeof value !== 'object' || value === null) throw new Error(`not a JSON object: ${text}`)
  return value
}
