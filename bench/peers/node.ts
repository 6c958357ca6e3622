import type { Peer } from '../peer.ts'

/** The start of a Node.js process that does nothing: what no tool written for it can undercut. */
export const bareNode: Peer = {
  name: 'node -e 0',
  runs: 'nothing',
  lacks: 'the bottom line of every tool written for Node.js',
  history: '',
  findProblem: () => null,
  layOut: () => {},
  commandsFor: ({ verb }) => (verb === 'start' ? [{ program: process.execPath, args: ['-e', '0'] }] : null),
}
