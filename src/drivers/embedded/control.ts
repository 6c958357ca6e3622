import { existsSync, lchownSync, lstatSync, renameSync, rmSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import { type Server, type Socket, connect, createServer } from 'node:net'
import { dirname } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { ErrorCode } from '../../core/errors.ts'
import type { ServerUser } from './server-user.ts'
import { hasCode } from './system-error.ts'

// The words between a process that uses the embedded server and the supervisor that keeps it: one JSON object a line.
// A user asks once and then holds the connection for as long as it needs the server.

/** What a user asks for. */
export interface Request {
  readonly database: string
}

/** What the supervisor answers: any number of `progress`, then one of the others. */
export type Answer =
  | { readonly kind: 'progress'; readonly text: string }
  | { readonly kind: 'ready' }
  | {
      readonly kind: 'failed'
      readonly code: ErrorCode
      readonly message: string
      readonly hint?: string | undefined
    }

export function send(socket: Socket, message: Request | Answer): void {
  if (socket.writable) socket.write(`${JSON.stringify(message)}\n`)
}

// Both ends are the same version of this file, so that the shape of a message is not checked.

/** Calls `hear` with each request that arrives. */
export function onRequest(socket: Socket, hear: (request: Request) => void): void {
  onLine(socket, (line) => {
    const request: Request = JSON.parse(line)
    hear(request)
  })
}

/** Calls `hear` with each answer that arrives. */
export function onAnswer(socket: Socket, hear: (answer: Answer) => void): void {
  onLine(socket, (line) => {
    const answer: Answer = JSON.parse(line)
    hear(answer)
  })
}

function onLine(socket: Socket, hear: (line: string) => void): void {
  let unfinished = ''
  socket.setEncoding('utf8')
  socket.on('data', (chunk: string) => {
    const lines = (unfinished + chunk).split('\n')
    unfinished = lines.pop() ?? ''
    for (const line of lines) hear(line)
  })
}

/** The supervisor's end: the listening socket that only one process can have. */
export interface Control {
  /** False if another process put its own socket in this one's place. */
  isOurs(): boolean
  /** Removes the socket file and accepts nobody any more. Connections that are open stay. */
  close(): void
}

/** How often a place is tried that others come to, and leave, at the same time. */
const ATTEMPTS = 3

/**
 * Listens on `path`, so that at most one process serves it. `undefined` if another process does already,
 * or if the folder is gone. What a killed process left there is removed.
 */
export async function claimControl(
  path: string,
  owner: ServerUser,
  onConnection: (socket: Socket) => void,
): Promise<Control | undefined> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    try {
      const server = await listenOn(path, onConnection)
      // Root's supervisor also serves the project's owner.
      if (process.getuid?.() === 0) lchownSync(path, owner.uid, owner.gid)
      const { ino } = lstatSync(path)
      return {
        isOurs: () => lstatSync(path, { throwIfNoEntry: false })?.ino === ino,
        // Node.js removes the file first, then closes the socket.
        close: () => void server.close(),
      }
    } catch (error) {
      // A supervisor that leaves removes the folder; Node.js says EACCES for a folder that is missing.
      if (hasCode(error, 'ENOENT') || !existsSync(dirname(path))) return undefined
      // It was missing, and who comes now has made it again meanwhile. Else the next attempt says the same.
      if (hasCode(error, 'EACCES') && attempt < ATTEMPTS - 1) continue
      if (!hasCode(error, 'EADDRINUSE')) throw error
    }
    if (await isServed(path)) return undefined
    await removeStale(path)
  }
  return undefined
}

function listenOn(path: string, onConnection: (socket: Socket) => void): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer(onConnection)
    server.once('error', reject)
    server.listen(path, () => resolve(server))
  })
}

/**
 * Between looking and removing, another process may have put a living socket there. So it is moved away, looked at
 * again, and put back if it lives; a process that claimed the path in that moment sees that it is no longer its own.
 */
async function removeStale(path: string): Promise<void> {
  const aside = `${path}.${randomBytes(4).toString('hex')}`
  try {
    renameSync(path, aside)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return
    throw error
  }
  if (await isServed(aside)) renameSync(aside, path)
  else rmSync(aside, { force: true })
}

/** A socket between bind(2) and listen(2) refuses like a dead one, hence the second look. */
async function isServed(path: string): Promise<boolean> {
  if (await accepts(path)) return true
  await pause(20)
  return accepts(path)
}

function accepts(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    socket.on('connect', () => {
      socket.destroy()
      resolve(true)
    })
    // Anything else, such as a full queue, is not a proof that nobody listens.
    socket.on('error', (error) => resolve(!hasCode(error, 'ECONNREFUSED', 'ENOENT')))
  })
}
