import { SimiliError } from '../errors.ts';

/** Why one event is not stored, and which part of its kind is at fault. */
export class Refusal extends Error {
  constructor(
    readonly field: string[],
    readonly reason: SimiliError,
  ) {
    super(reason.message);
  }
}

/** Clocks of shoppers and servers differ a little. */
const SKEW_MINUTES = 5;
const SKEW_MS = SKEW_MINUTES * 60_000;

/** Nobody acts before a moment, such as the making of a list, nor later than now. @throws Refusal */
export function checkTime(occurredAt: Date, earliest: { at: Date; why: string }, received: Date): void {
  const either = `${SKEW_MINUTES} minutes either way: check the sender's clock`;
  if (occurredAt.getTime() > received.getTime() + SKEW_MS) refuseTime(`is in the future, beyond ${either}`);
  if (occurredAt.getTime() < earliest.at.getTime() - SKEW_MS) refuseTime(`is ${earliest.why}, beyond ${either}`);
}

function refuseTime(why: string): never {
  throw new Refusal(['occurredAt'], new SimiliError('TIME_OUT_OF_RANGE', { why }));
}
