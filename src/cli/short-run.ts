import { setFlagsFromString } from 'node:v8'

/**
 * What makes V8 wait four times as long as by default before it compiles once more what runs often, by the version of
 * Node.js: V8 has renamed it, and complains about flags that it does not know.
 */
const PATIENCE: ReadonlyMap<number, readonly string[]> = new Map([
  [20, ['--interrupt-budget=250000']],
  [22, ['--invocation-count-for-maglev=1600', '--invocation-count-for-turbofan=12000']],
  [24, ['--invocation-count-for-maglev=1600', '--invocation-count-for-turbofan=12000']],
])

/**
 * Sets V8 up for a program that ends after a second: by default it prepares for hours. See ADR 0016. Versions of Node.js
 * that nobody has tried are left alone, since V8 may drop a flag at any time.
 */
export function prepareForShortRun(): void {
  const version = Number.parseInt(process.versions.node, 10)
  // The part of the heap for young objects stays at 1 MB; it would grow to 16, and twice that while it copies.
  if (version <= 24) setFlagsFromString('--semi-space-growth-factor=1')
  for (const flag of PATIENCE.get(version) ?? []) setFlagsFromString(flag)
}
