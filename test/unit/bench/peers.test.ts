import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { chainOf } from '../../../bench/peers/graphile-migrate.ts'
import { BASE, PEERS } from '../../../bench/peers/index.ts'
import type { Task } from '../../../bench/peer.ts'
import { views } from '../../../bench/workloads.ts'

const FILES = views(3)

function taskOf(verb: Task['verb'], pending: number): Task {
  const databases = ['DEV', 'PROD'].map((environment) => ({
    environment,
    url: `postgres://postgres:secret@127.0.0.1:5432/${environment.toLowerCase()}`,
  }))
  return { verb, files: FILES, pending: FILES.slice(FILES.length - pending), databases }
}

test('every peer but the bare process can sync, says what it does, and has a name of its own', () => {
  const able = PEERS.filter((peer) => (peer.commandsFor(taskOf('sync', 3)) ?? []).length > 0)

  expect(PEERS.filter((peer) => !able.includes(peer)).map(({ name }) => name)).toEqual(['node -e 0'])
  expect(new Set(PEERS.map(({ name }) => name)).size).toBe(PEERS.length)
  expect(PEERS.filter((peer) => peer !== BASE && (peer.runs === '' || peer.lacks === ''))).toEqual([])
})

test('peers that take one database run once for each, in order', () => {
  const dbmate = PEERS.find(({ name }) => name === 'dbmate')
  const urls = dbmate?.commandsFor(taskOf('sync', 3))?.map(({ env }) => env?.['DATABASE_URL'])

  expect(urls).toEqual(
    ['dev', 'prod'].map((name) => `postgres://postgres:secret@127.0.0.1:5432/${name}?sslmode=disable`),
  )
})

test('psql applies what is pending, and nothing of what is applied', () => {
  const [session, processes] = PEERS.filter(({ name }) => name.startsWith('psql'))
  const input = session?.commandsFor(taskOf('sync', 1))?.[0]?.input

  expect(input).toContain('\\i database/00003-made_00003.sql')
  expect(input).not.toContain('00002')
  expect(session?.commandsFor(taskOf('status', 0))?.[0]?.input).not.toContain('\\i')
  expect(processes?.commandsFor(taskOf('sync', 1))).toHaveLength(4)
  expect(processes?.commandsFor(taskOf('sync', 0))).toBeNull()
})

test('each committed file of graphile-migrate has a hash over itself and the one before', () => {
  const headers = [...chainOf(FILES).values()]
  const first = `sha1:${createHash('sha1').update(`${FILES[0]?.sql.trim()}\n`).digest('hex')}`
  const second = `sha1:${createHash('sha1').update(`${first}\n${FILES[1]?.sql.trim()}\n`).digest('hex')}`

  expect(headers[0]).toContain(`--! Previous: -\n--! Hash: ${first}\n`)
  expect(headers[1]).toContain(`--! Previous: ${first}\n--! Hash: ${second}\n`)
})
