import type { Redactor } from './redactor.ts'
import { sanitize, sanitizeJson, sanitizeLayout } from './sanitizer.ts'
import { type StreamLike, createSink } from './sink.ts'
import type { SpinnerStream } from './spinner-stream.ts'
import {
  type CommandName,
  type CommandProperties,
  defuseCommands,
  defuseCommandsInJson,
  formatCommand,
} from './workflow-command.ts'

export interface WriterOptions {
  readonly stdout: StreamLike
  readonly stderr: StreamLike
  readonly redactor: Redactor
  /** The environment variables: `GITHUB_ACTIONS` and `TF_BUILD` tell who else reads the output. */
  readonly env: Readonly<Record<string, string | undefined>>
}

/**
 * The only way to stdout and stderr. Secrets do not pass it, nor does anything that a terminal or a CI runner would
 * obey, except colours and line breaks. No method throws because a stream is closed.
 *
 * Colours are let through wherever they come from: text of foreign origin goes through `sanitize` before it is laid out.
 */
export interface Writer {
  /** Text to stdout, as it is but for what must not pass. A secret or a runner's command cut in two by two calls is not seen. */
  readonly writeResult: (text: string) => void
  /** The same to stderr. */
  readonly writeProgress: (text: string) => void
  /**
   * One line of JSON to stdout. Strings and keys are redacted before they are serialised, so it stays valid; numbers
   * are left alone, a bigint becomes a string. Throws a TypeError for an object that contains itself.
   */
  readonly writeJson: (value: object) => void
  /**
   * A workflow command to stderr, which the runner reads as it reads stdout, and which leaves `--json` alone.
   * Does nothing outside GitHub Actions, where it would only be noise.
   */
  readonly writeCommand: (name: CommandName, properties: CommandProperties, message: string) => void
  /** Text as `writeResult` would write it, for a file. */
  readonly clean: (text: string) => string
  /**
   * A stream in place of stderr for the spinner library. It redacts, but lets control sequences pass, since the library
   * draws with them. That is safe only because nothing else can put one in: every text given to the spinner goes
   * through `sanitize` first.
   */
  readonly asTerminal: () => Promise<SpinnerStream>
  /**
   * Resolves, and never rejects, when all that was written is with the operating system or its stream is gone: with the
   * code of the error that lost what was written to stdout, or null.
   */
  readonly flush: () => Promise<string | null>
}

export function createWriter({ stdout, stderr, redactor, env }: WriterOptions): Writer {
  const results = createSink(stdout)
  const progress = createSink(stderr)
  const isGitHub = env['GITHUB_ACTIONS'] === 'true'
  const isRunner = isGitHub || (env['TF_BUILD'] ?? '') !== ''
  const defuse = isRunner ? defuseCommands : (text: string): string => text

  const safe = (text: string): string => defuse(sanitizeLayout(redactor.redact(text)))
  return {
    writeResult: (text) => results.write(safe(text)),
    writeProgress: (text) => progress.write(safe(text)),
    writeJson(value) {
      const json = JSON.stringify(value, (_, part: unknown) => redactPart(part, redactor))
      results.write(`${defuseCommandsInJson(sanitizeJson(json))}\n`)
    },
    writeCommand(name, properties, message) {
      if (!isGitHub) return
      const { title, file, ...places } = properties
      const texts = {
        title: title === undefined ? undefined : sanitize(redactor.redact(title)),
        file: file === undefined ? undefined : sanitize(redactor.redact(file)),
      }
      progress.write(
        `${formatCommand(name, { ...texts, ...places }, sanitize(redactor.redact(message), { multiline: true }))}\n`,
      )
    },
    clean: (text) => sanitizeLayout(redactor.redact(text)),
    async asTerminal() {
      const { SpinnerStream } = await import('./spinner-stream.ts')
      return new SpinnerStream(stderr, (text) => progress.write(defuse(redactor.redact(text))))
    },
    async flush() {
      const [lostBy] = await Promise.all([results.flush(), progress.flush()])
      return lostBy
    },
  }
}

function redactPart(part: unknown, redactor: Redactor): unknown {
  if (typeof part === 'string') return redactor.redact(part)
  if (typeof part === 'bigint') return redactor.redact(part.toString())
  if (typeof part !== 'object' || part === null || Array.isArray(part)) return part
  return redactKeys(part, redactor)
}

/** Two keys that are the same once redacted are told apart by their length, so that none is lost. */
function redactKeys(record: object, redactor: Redactor): object {
  const taken = new Set<string>()
  const entries = Object.entries(record).map(([key, value]): [string, unknown] => {
    let name = redactor.redact(key)
    while (taken.has(name)) name += '*'
    taken.add(name)
    return [name, value]
  })
  return Object.fromEntries(entries)
}
