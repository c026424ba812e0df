import { expect, test } from 'vitest';
import type { VisitorEvent } from '../../../../src/db/erasures.ts';
import { tapFeedback } from '../../../../src/feedback/tap.ts';

const event = (eventId: string) => ({ eventId }) as VisitorEvent;

/** A tap whose reads give these, newest first, one after the other; then nothing for ever. `asked`: since when, seconds after the start. */
function tap(...reads: (string[] | Error)[]) {
  const asked: number[] = [];
  let second = 0;
  const newest = async (since: Date) => {
    asked.push(since.getTime() / 1000);
    const read = reads.shift() ?? [];
    if (read instanceof Error) throw read;
    return read.map(event);
  };
  return { asked, events: tapFeedback({ newest, now: () => new Date(6000 * second++) }, 1) };
}
const next = async (events: AsyncGenerator<VisitorEvent>) => ((await events.next()).value as VisitorEvent).eventId;

test('each event is told once and in order, also one that commits behind a later one, and after a read that failed', async () => {
  const { events, asked } = tap(['b', 'a'], ['b', 'a'], new Error('away'), ['d', 'b', 'c', 'a'], ['e', 'd']);
  const told: string[] = [];
  for (let i = 0; i < 5; i++) told.push(await next(events));
  expect(told).toEqual(['a', 'b', 'c', 'd', 'e']);
  expect(asked).toEqual([0, 2, 8, 14, 20]); // ten seconds back, and not before the tap was opened
});

test('who leaves does not wait for the next event', async () => {
  const { events } = tap();
  const waiting = events.next();
  await events.return(undefined);
  expect(await waiting).toEqual({ value: undefined, done: true });
});
