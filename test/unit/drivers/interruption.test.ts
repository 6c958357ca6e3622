import { expect, test } from 'vitest'
import { cancelWhenAborted } from '../../../src/drivers/postgres/interruption.ts'
import { createDeferred } from '../../support/deferred.ts'

test('a slow cancel request is waited for before anything else is sent, and no other one goes out meanwhile', async () => {
  const stop = new AbortController()
  const message = createDeferred<string>()
  const request = createDeferred<void>()
  const events: string[] = []
  const session = {
    cancel: async () => {
      events.push('cancel')
      await request.promise
      events.push('cancel arrived')
    },
  }

  const ending = cancelWhenAborted(session, stop.signal, message.promise).then((value) => events.push(value))
  stop.abort()
  message.resolve('ended')
  await new Promise((resolve) => setImmediate(resolve))
  const before = [...events]
  request.resolve()
  await ending

  expect(before).toEqual(['cancel'])
  expect(events).toEqual(['cancel', 'cancel arrived', 'ended'])
})
