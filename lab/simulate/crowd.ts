import { makeRandom } from '@simili/learning/numbers/random';
import type { Ask } from './client.ts';
import { concurrently } from './concurrently.ts';
import { type FeedbackEvent, type Shop, shop } from './session.ts';

/** `sent`: events, each counted once; `sentAgain`: events whose call was repeated on purpose, which must change nothing. */
export type Sent = {
  shoppers: number;
  sent: number;
  sentAgain: number;
  clicks: number;
  accepted: number;
  duplicates: number;
  rejected: number;
  /** The first few reasons, as the server gave them. */
  problems: string[];
};

export const NOTHING_SENT = { shoppers: 0, sent: 0, sentAgain: 0, clicks: 0, accepted: 0, duplicates: 0, rejected: 0 };

const SUBMIT = `mutation Simulate($input: SubmitFeedbackInput!) { submitFeedback(input: $input) {
  accepted duplicates rejected userErrors { message } } }`;
type Submitted = {
  submitFeedback: { accepted: number; duplicates: number; rejected: number; userErrors: { message: string }[] };
};

const AT_ONCE = 6;
const REPEATED = 0.03;
const MOST_PROBLEMS = 3;

/**
 * `count` shoppers, each with a visitor id and a stream of random numbers of its own: the order of answers changes nothing.
 * @param where `from`: number of the first one
 * @param total what they send is added to it
 */
export async function sendShoppers(
  where: Shop & { run: string; seed: number; from: number },
  count: number,
  total: Sent,
  onDone: (done: number) => void,
): Promise<void> {
  const numbers = Array.from({ length: count }, (_, i) => where.from + i);
  const sendOne = async (number: number) => {
    const random = makeRandom(where.seed * 1_000_003 + number);
    const events = await shop(where, random);
    if (events.length === 0) return;
    const input = { visitor: { id: `simulated-${where.run}-${number}` }, events };
    const again = random.next() < REPEATED;
    total.sent += events.length;
    total.clicks += events.filter(({ click }: FeedbackEvent) => click).length;
    await submit(where.ask, input, total);
    if (!again) return;
    total.sentAgain += events.length;
    await submit(where.ask, input, total);
  };
  await concurrently(numbers, AT_ONCE, sendOne, onDone);
  total.shoppers += count;
}

async function submit(ask: Ask, input: object, total: Sent): Promise<void> {
  const { accepted, duplicates, rejected, userErrors } = (await ask<Submitted>(SUBMIT, { input })).submitFeedback;
  total.accepted += accepted;
  total.duplicates += duplicates;
  total.rejected += rejected;
  for (const { message } of userErrors) if (total.problems.length < MOST_PROBLEMS) total.problems.push(message);
}
