import type { Reading } from './driver.ts'
import type { Environment } from './environment.ts'
import type { Finding } from './finding.ts'
import type { Plan } from './plan.ts'

/**
 * Looks at a plan for an environment, and at what was read there, and returns findings; it can stop a run, it never changes
 * a target. `plans` are all plans of the run, this one among them.
 */
export type Check = (
  plan: Plan,
  environment: Environment,
  reading: Reading,
  plans: readonly Plan[],
) => Promise<readonly Finding[]>
