import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** A certificate and its key, as files in the PEM format. */
export interface Certificate {
  readonly certFile: string
  readonly keyFile: string
}

export interface CertificateOptions {
  /** Subject alternative names: `DNS:localhost,IP:127.0.0.1`. Without it: an authority. */
  readonly names?: string
  /** Who signs it; without it, it signs itself. */
  readonly authority?: Certificate
  /** It ended yesterday. */
  readonly isExpired?: boolean
}

/** The version line of the openssl program on this machine, or null when there is none. */
export function findOpenssl(): string | null {
  const found = spawnSync('openssl', ['version'], { encoding: 'utf8' })
  return found.status === 0 ? found.stdout.trim() : null
}

/** Makes a certificate in `folder`; `name` begins the names of its files. */
export function makeCertificate(folder: string, name: string, options: CertificateOptions): Certificate {
  const { names, authority, isExpired = false } = options
  const fileOf = (ending: string): string => join(folder, `${name}.${ending}`)
  const [certFile, keyFile, request, extensions] = [fileOf('crt'), fileOf('key'), fileOf('csr'), fileOf('ext')]
  openssl('ecparam', '-genkey', '-name', 'prime256v1', '-noout', '-out', keyFile)
  openssl('req', '-new', '-key', keyFile, '-subj', `/CN=${name}`, '-out', request)
  writeFileSync(extensions, names === undefined ? 'basicConstraints=critical,CA:TRUE\n' : `subjectAltName=${names}\n`)
  const signer =
    authority === undefined ? ['-signkey', keyFile] : ['-CA', authority.certFile, '-CAkey', authority.keyFile]
  const days = isExpired ? '-1' : '2'
  openssl('x509', '-req', '-in', request, ...signer, '-days', days, '-extfile', extensions, '-out', certFile)
  return { certFile, keyFile }
}

function openssl(...args: readonly string[]): void {
  const result = spawnSync('openssl', args, { encoding: 'utf8' })
  if (result.status !== 0) throw new Error(`openssl ${args.join(' ')}: ${result.stderr}`)
}
