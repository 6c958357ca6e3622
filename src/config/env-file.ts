import { createRequire } from 'node:module'
import type { parse } from 'dotenv'

/** What a `.env` file sets. */
export interface EnvFile {
  readonly values: Readonly<Record<string, string>>
  /**
   * Unquoted values that dotenv ends at a `#` without a space before it, here with the rest of the word. Passwords hold
   * such a `#`, so a connection string that makes no sense when cut may still be understood whole.
   */
  readonly uncut: Readonly<Record<string, string>>
}

const UNQUOTED = /^[ \t]*(?:export[ \t]+)?(?<name>[\w.-]+)[ \t]*[=:][ \t]*(?<value>[^'"`\s][^\r\n]*)$/gmu

/** Reads the text of a `.env` file as dotenv does: quotes, comments, `export`, either line ending. Never throws. */
export function parseEnvFile(text: string): EnvFile {
  if (text === '') return { values: {}, uncut: {} }
  // Loaded only where there is such a file, and without waiting.
  const dotenv: { readonly parse: typeof parse } = createRequire(import.meta.url)('dotenv')
  const values = dotenv.parse(text)
  const uncut: Record<string, string> = {}
  for (const { groups } of text.matchAll(UNQUOTED)) {
    const name = groups?.['name'] ?? ''
    const whole = (groups?.['value'] ?? '').replace(/\s+#.*$/u, '').trimEnd()
    const hash = whole.indexOf('#')
    // The comparison leaves out lines inside a quoted value and those that a later line overrides.
    if (hash > 0 && Object.hasOwn(values, name) && values[name] === whole.slice(0, hash).trimEnd()) uncut[name] = whole
  }
  return { values, uncut }
}
