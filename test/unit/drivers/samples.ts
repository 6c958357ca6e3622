import { DEFAULT_LIMITS } from '../../../src/core/policy.ts'
import type { MessageContext } from '../../../src/drivers/postgres/message-context.ts'
import { tablesOf } from '../../../src/drivers/postgres/tables.ts'

export const CONTEXT: MessageContext = {
  tables: tablesOf('public'),
  key: '4711',
  environment: 'dev',
  owner: 'dev',
  runId: '6d3f0c52-5a5e-4a57-a9c0-0f8f1f4f0a11',
  author: { osUser: null, gitCommit: null, ciRun: null, ciJob: null, isTreeDirty: null },
  limits: DEFAULT_LIMITS,
  serverVersion: 180_000,
  hasSession: true,
  sessionSettings: '',
  marker: 'mm-0',
}
