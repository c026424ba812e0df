import { SimiliError } from '../errors.ts';

/**
 * The time of all that is compared with times of other processes: when something is due, how old it is, whether it has expired. The
 * default is the database's (src/db/session/database-clock.ts), which all processes share; machines may be hours apart.
 */
export type Clock = {
  /** Never before what it said last. */
  now(): Date;
};

/** @throws SimiliError CONFIGURATION_INVALID */
export function checkClock({ now }: Clock): void {
  if (typeof now === 'function' && now() instanceof Date && !Number.isNaN(now().getTime())) return;
  throw new SimiliError('CONFIGURATION_INVALID', { why: 'The clock needs a function now that gives a Date' });
}
