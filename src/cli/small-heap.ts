import { setFlagsFromString } from 'node:v8'

/**
 * Keeps V8 from growing the part of the heap for young objects, from 1 to 16 MB and twice that while it copies: this
 * program ends after a second, and has no use for it. See ADR 0016. Tried on Node.js 20; V8 has the flag up to
 * Node.js 24, and later ones are left alone, since it may drop a flag at any time.
 */
export function keepHeapSmall(): void {
  if (Number.parseInt(process.versions.node, 10) <= 24) setFlagsFromString('--semi-space-growth-factor=1')
}
