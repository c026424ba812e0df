import { setTimeout as pause } from 'node:timers/promises';
import { makeRandom } from '@simili/learning/numbers/random';
import type { Ask } from './client.ts';
import { concurrently } from './concurrently.ts';
import { fakeVisit } from './fake-visit.ts';
import type { Farm } from './farm.ts';
import { visitorId } from './found.ts';
import { type ByRole, byRole, type FakeShares, type Role, rolesOf } from './roles.ts';
import { type FeedbackEvent, MOST_EVENTS, type Shop, shop } from './session.ts';

/** `sent`: events, each counted once; `sentAgain`: events whose call was repeated on purpose, which must change nothing. */
export type Sent = {
  /** All visitors. */
  visitors: number;
  roles: ByRole;
  sent: number;
  sentAgain: number;
  /** Clicks of shoppers, and purchases where nothing else is reported. */
  clicks: number;
  accepted: number;
  duplicates: number;
  rejected: number;
  /** The first few reasons, as the server gave them. */
  problems: string[];
};

export const nothingSent = (): Sent => ({
  visitors: 0,
  roles: byRole(() => 0),
  sent: 0,
  sentAgain: 0,
  clicks: 0,
  accepted: 0,
  duplicates: 0,
  rejected: 0,
  problems: [],
});

/** Where a crowd shops. `from`: number of the first one; `dwellMs`: from the last list of a group to the first of its events. */
export type Place = Shop & {
  run: string;
  seed: number;
  from: number;
  shares: FakeShares;
  farm: Farm | null;
  dwellMs: number;
};

const SUBMIT = `mutation Simulate($input: SubmitFeedbackInput!) { submitFeedback(input: $input) {
  accepted duplicates rejected userErrors { message } } }`;
type Submitted = {
  submitFeedback: { accepted: number; duplicates: number; rejected: number; userErrors: { message: string }[] };
};

/** Visitors who look before any of them reports: events that come within a second of their list are those of bots. */
const GROUP = 200;
const AT_ONCE = 6;
const REPEATED = 0.03;
const MOST_PROBLEMS = 3;

type Visitor = { id: string; role: Role; number: number };
type Visited = Visitor & { events: FeedbackEvent[]; isRepeated: boolean };

/**
 * `count` visitors, each with a visitor id and a stream of random numbers of its own: the order of answers changes nothing.
 * @param total what they send is added to it
 */
export async function sendVisitors(
  place: Place,
  count: number,
  total: Sent,
  onDone: (done: number) => void,
): Promise<void> {
  const { run, from, seed, shares } = place;
  const roles = rolesOf(shares, from, count, makeRandom(seed + from));
  const visitors = roles.map((role, i) => ({ id: visitorId(run, role, from + i), role, number: from + i }));
  for (let first = 0; first < count; first += GROUP) {
    const group = visitors.slice(first, first + GROUP);
    const visits = await concurrently(
      group,
      AT_ONCE,
      (visitor) => visit(place, visitor, total),
      () => {},
    );
    await pause(place.dwellMs);
    await concurrently(
      visits,
      AT_ONCE,
      (visited) => report(place.ask, visited, total),
      (done) => onDone(first + done),
    );
  }
  total.visitors += count;
  for (const role of roles) total.roles[role]++;
}

async function visit(place: Place, visitor: Visitor, total: Sent): Promise<Visited> {
  const random = makeRandom(place.seed * 1_000_003 + visitor.number);
  if (visitor.role === 'shopper') {
    const events = await shop(place, random);
    return { ...visitor, events, isRepeated: random.next() < REPEATED };
  }
  const send = (events: FeedbackEvent[]) => submit(place.ask, visitor.id, events, total);
  return { ...visitor, events: await fakeVisit(place, visitor.role, random, send), isRepeated: false };
}

async function report(ask: Ask, { id, role, events, isRepeated }: Visited, total: Sent): Promise<void> {
  if (role === 'shopper') total.clicks += events.filter(({ click, purchase }) => click ?? purchase).length;
  await submit(ask, id, events, total);
  if (isRepeated) await submit(ask, id, events, total, 'sentAgain');
}

async function submit(
  ask: Ask,
  id: string,
  events: FeedbackEvent[],
  total: Sent,
  as: 'sent' | 'sentAgain' = 'sent',
): Promise<void> {
  for (let first = 0; first < events.length; first += MOST_EVENTS) {
    const some = events.slice(first, first + MOST_EVENTS);
    total[as] += some.length;
    const input = { visitor: { id }, events: some };
    const { accepted, duplicates, rejected, userErrors } = (await ask<Submitted>(SUBMIT, { input })).submitFeedback;
    total.accepted += accepted;
    total.duplicates += duplicates;
    total.rejected += rejected;
    for (const { message } of userErrors) if (total.problems.length < MOST_PROBLEMS) total.problems.push(message);
  }
}
