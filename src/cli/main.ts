#!/usr/bin/env node
import { readVersion } from './version.ts'

/*
 * The entry of the command line. `--version` answers before anything else is loaded: the parser, the colours and the
 * client library are imported only where they are needed.
 */

const argv = process.argv.slice(2)

if (argv.includes('--version') && !argv.includes('--')) {
  const version = readVersion()
  process.stdout.write(argv.includes('--json') ? `${JSON.stringify({ version })}\n` : `${version}\n`)
} else {
  void run()
}

async function run(): Promise<void> {
  const { runCommandLine } = await import('./command-line.ts')
  // Not process.exitCode: closing a connection waits for nobody.
  process.exit(await runCommandLine(argv))
}
