import { MigrationManagerError } from '../../core/errors.ts'

const OTHER_AUTHORITY = {
  reason: 'its certificate was signed by an authority that this machine does not trust',
  hint: "Download the authority's certificate (Supabase: database settings of the project, SSL) and name it with sslrootcert=<file> in the connection string, or with PGSSLROOTCERT.",
}

const RENEW = { hint: "The server needs a new certificate; look at this machine's clock, too." }

/** Certificate errors of Node's TLS, by code. */
const CERTIFICATE: Readonly<Record<string, { readonly reason: string; readonly hint: string }>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: {
    reason: 'its certificate is self-signed',
    hint: "If it is your server's, copy its certificate and name it with sslrootcert=<file> in the connection string, or with PGSSLROOTCERT.",
  },
  SELF_SIGNED_CERT_IN_CHAIN: OTHER_AUTHORITY,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: OTHER_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT: OTHER_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: OTHER_AUTHORITY,
  CERT_SIGNATURE_FAILURE: OTHER_AUTHORITY,
  INVALID_CA: OTHER_AUTHORITY,
  CERT_HAS_EXPIRED: { reason: 'its certificate has expired', ...RENEW },
  CERT_NOT_YET_VALID: { reason: 'its certificate is not valid yet', ...RENEW },
  ERR_TLS_CERT_ALTNAME_INVALID: {
    reason: 'its certificate is for another host name',
    hint: 'Use the host name that the certificate was made for: the one in the connection string that the provider shows.',
  },
}

/** A TLS failure as an error for people (`target/tls-unverified`), or null if it is something else. */
export function describeTlsFailure(cause: Error, host: string): MigrationManagerError | null {
  const code = (cause as NodeJS.ErrnoException).code ?? ''
  const certificate = CERTIFICATE[code]
  // Who the server is, is what `require` does not ask; how the two encrypt is not.
  if (certificate !== undefined)
    return untrusted(
      host,
      certificate.reason,
      `${certificate.hint} sslmode=require accepts an unverified server.`,
      code,
    )
  if (!code.startsWith('ERR_SSL_')) return null
  return untrusted(host, 'the two could not agree on how to encrypt', DISAGREEMENT, code)
}

const DISAGREEMENT = 'TLS 1.2 or newer is needed. Does the server offer it, or does a proxy stand in between?'

/** The connection is not encrypted and verified as it must be. */
export function untrusted(host: string, reason: string, hint: string, engineCode?: string): MigrationManagerError {
  return new MigrationManagerError('target/tls-unverified', `The connection to ${host} cannot be trusted: ${reason}.`, {
    hint,
    engineCode,
  })
}

/** A file of `sslrootcert` or PGSSLROOTCERT is no use. */
export function rootCertificateError(path: string, what: string, cause: unknown): MigrationManagerError {
  return new MigrationManagerError('target/tls-root-certificate', `The root certificate ${path} ${what}.`, {
    hint: 'Correct sslrootcert in the connection string, or PGSSLROOTCERT: a file in the PEM format.',
    cause,
  })
}
