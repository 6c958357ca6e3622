import { styleText } from 'node:util'

/** The few ways in which text is set off. */
export type Style = 'strong' | 'dim' | 'good' | 'warn' | 'bad' | 'note'

export type Paint = (style: Style, text: string) => string

const STYLES = { strong: 'bold', dim: 'dim', good: 'green', warn: 'yellow', bad: 'red', note: 'cyan' } as const

/**
 * Colours, or none. `NO_COLOR` (any non-empty value) and `--no-color` switch them off, `FORCE_COLOR` (but `0`) on;
 * else they are for a terminal that is not dumb.
 */
export function choosePaint(stream: { readonly isTTY?: boolean }, env: NodeJS.ProcessEnv, wanted: boolean): Paint {
  return hasColor(stream, env, wanted) ? (style, text) => styleText(STYLES[style], text) : (_style, text) => text
}

function hasColor(stream: { readonly isTTY?: boolean }, env: NodeJS.ProcessEnv, wanted: boolean): boolean {
  if (!wanted || (env['NO_COLOR'] ?? '') !== '') return false
  const forced = env['FORCE_COLOR']
  if (forced !== undefined && forced !== '') return forced !== '0' && forced !== 'false'
  return stream.isTTY === true && env['TERM'] !== 'dumb'
}
