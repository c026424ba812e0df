import { checked } from '../checked.ts';
import { whole } from '../shapes.ts';

const DAY_MS = 86_400_000;

/** Days of receipt (UTC) in a row, as moments and as YYYY-MM-DD, the last one included. */
export type DaySpan = {
  /** Start of the first day. */
  readonly since: Date;
  /** End of the last day. */
  readonly until: Date;
  readonly first: string;
  readonly last: string;
};

/** So many days, 1 to `most`, up to that of `moment`. @throws SimiliError INVALID_ARGUMENT by `days`. */
export function daysUpTo(moment: Date, days: number, most: number): DaySpan {
  checked(whole(1, most), days, 'days');
  const end = (Math.floor(moment.getTime() / DAY_MS) + 1) * DAY_MS;
  const since = new Date(end - days * DAY_MS);
  return { since, until: new Date(end), first: dayOf(since), last: dayOf(new Date(end - DAY_MS)) };
}

/** The day (UTC) of a moment, YYYY-MM-DD. */
export const dayOf = (moment: Date): string => moment.toISOString().slice(0, 10);
