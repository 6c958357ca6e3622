import { BlockList, isIPv4, isIPv6 } from 'node:net'
import type { UrlOptions } from './url-options.ts'
import { type Refusal, refuse } from './url-refusal.ts'

/** How the connection is encrypted. `verify`: authority and host name, by `rootCert` (a path) or the system's authorities. */
export type Tls =
  | { readonly mode: 'off' }
  | { readonly mode: 'verify'; readonly rootCert: string | null }
  | { readonly mode: 'unverified' }

/**
 * How to encrypt the connection to `host`. A server across the network is verified unless the string says `require`;
 * `verify-ca` checks the host name too. `variable` is the path from `PGSSLROOTCERT`, which the string's own wins over.
 */
export function chooseTls(
  { sslmode, rootCert }: UrlOptions,
  variable: string | null | undefined,
  host: string,
): Tls | Refusal {
  // PostgreSQL has no TLS on sockets; libpq ignores sslmode there too (manual, "SSL Support" of libpq).
  if (host.startsWith('/')) return { mode: 'off' }
  const verify: Tls = { mode: 'verify', rootCert: (rootCert === undefined ? variable : rootCert) ?? null }
  if (sslmode === undefined) return isLoopback(host) && rootCert === undefined ? { mode: 'off' } : verify
  if (sslmode === 'disable') {
    if (isLoopback(host)) return { mode: 'off' }
    return refuse(
      'config/tls-disabled',
      'sslmode=disable would send the password and all data unencrypted over the network.',
      'Remove sslmode=disable (the server is then verified), or write sslmode=require to accept an unverified server.',
    )
  }
  // Whoever names an authority wants it checked; libpq sees it the same way.
  if (sslmode === 'require') return rootCert === undefined ? { mode: 'unverified' } : verify
  if (sslmode === 'verify-ca' && rootCert === undefined && variable === undefined) {
    return refuse(
      'config/tls-mode',
      'sslmode=verify-ca needs the certificate of an authority.',
      "Add sslrootcert=<file> to the connection string, or write sslmode=verify-full to use the system's authorities.",
    )
  }
  return verify
}

const LOOPBACK = new BlockList()
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4')
LOOPBACK.addAddress('::1', 'ipv6')

function isLoopback(host: string): boolean {
  if (isIPv4(host)) return LOOPBACK.check(host, 'ipv4')
  if (isIPv6(host)) return LOOPBACK.check(host, 'ipv6')
  return host.toLowerCase() === 'localhost'
}
