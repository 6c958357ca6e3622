/**
 * Marks a moment at which the process may die. It does nothing: the fault-injection tests run a copy of the build in
 * which this module is another one, that kills the process, or sends itself a signal, at a chosen moment.
 */
export function reach(_moment: Moment): void {}

/** The moments of a run, in the order in which they come. */
export type Moment =
  | 'connected'
  | 'read'
  | 'planned'
  | 'confirmed'
  | 'sending'
  | 'began'
  | 'opened'
  | 'statement'
  | 'verifying'
  | 'ending'
  | 'applied'
  | 'answered'
  | 'failed'
  | 'recovering'
  | 'claimed'
  | 'looked'
  | 'stepping'
  | 'stepped'
  | 'finished'
  | 'held'
  | 'closing'
