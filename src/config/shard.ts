import { createHash } from 'node:crypto'

/** One of several runs that share the databases of an environment among them: `--shard 3/10`. */
export interface Shard {
  /** From 1 to `parts`. */
  readonly part: number
  readonly parts: number
}

/**
 * Whether a database (`prod/acme`) falls to this shard. It follows from its name alone, so that the shards agree even
 * when their lists were read at different moments: the first 8 bytes of the SHA-256 of the name, as a big-endian
 * number, modulo the number of parts; the rest 0 is part 1.
 */
export function isInShard(name: string, { part, parts }: Shard): boolean {
  const digest = createHash('sha256').update(name).digest()
  return digest.readBigUInt64BE(0) % BigInt(parts) === BigInt(part - 1)
}
