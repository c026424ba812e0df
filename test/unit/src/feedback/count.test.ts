import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { FeedbackCountWrite } from '../../../../src/db/feedback-health.ts';
import { startDeadline, timeLeft, within } from '../../../../src/deadline.ts';
import { SimiliError } from '../../../../src/errors.ts';
import { counted, openCounting } from '../../../../src/feedback/count.ts';
import type { FeedbackResult } from '../../../../src/feedback/submit.ts';
import type { Visitor } from '../../../../src/feedback/visitor.ts';
import { fakeLog, UNHURRIED } from '../../../support/api.ts';

beforeEach(() => {
  vi.useFakeTimers({ now: new Date('2026-03-01T23:59:59Z') });
});
afterEach(() => {
  vi.useRealTimers();
});

function open() {
  const stored: FeedbackCountWrite[][] = [];
  const database = { away: false, work: async () => {}, underDeadline: false };
  const { log, entries } = fakeLog();
  const counts = {
    async add(sent: readonly FeedbackCountWrite[]) {
      database.underDeadline ||= timeLeft() !== null;
      await database.work();
      if (database.away) throw new Error('away');
      stored.push([...sent]);
    },
  };
  return { stored, database, logged: entries, counting: openCounting({ counts, now: () => new Date(), log }) };
}
const row = (catalog: string, name: string, count: number, day = '2026-03-01') => ({ catalog, day, name, count });

test('counts of two seconds are stored at once, by catalog, day and name; nothing is stored where nothing came', async () => {
  const { stored, counting } = open();
  await counting.flush();
  counting.add('red', { accepted: 3, duplicates: 0 });
  counting.add('blue', { accepted: 1 });
  counting.add('red', { accepted: 2, NOT_IN_LIST: 1 });
  await vi.advanceTimersByTimeAsync(1000);
  counting.add('red', { accepted: 4 });
  await vi.advanceTimersByTimeAsync(999);
  expect(stored).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  const [first] = stored;
  expect(first).toEqual([
    row('red', 'accepted', 5),
    row('blue', 'accepted', 1),
    row('red', 'NOT_IN_LIST', 1),
    row('red', 'accepted', 4, '2026-03-02'),
  ]);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(stored).toHaveLength(1);
});

test('what cannot be stored is kept, told, and stored with what comes next', async () => {
  const { stored, database, counting, logged } = open();
  database.away = true;
  counting.add('red', { accepted: 3 });
  await vi.advanceTimersByTimeAsync(10_000);
  expect(logged).toHaveLength(1);
  database.away = false;
  counting.add('red', { accepted: 1 });
  await vi.advanceTimersByTimeAsync(2000);
  expect(stored.flat().reduce((sum, { count }) => sum + count, 0)).toBe(4);
});

test('counts that come while others are stored are stored after them, and a flush waits for all', async () => {
  const { stored, database, counting } = open();
  let release = () => {};
  database.work = () => new Promise((resolve) => (release = resolve));
  counting.add('red', { accepted: 1 });
  await vi.advanceTimersByTimeAsync(2000);
  counting.add('red', { accepted: 2 });
  const flushed = counting.flush();
  database.work = async () => {};
  release();
  await flushed;
  expect(stored.map(([first]) => first!.count)).toEqual([1, 2]);
});

test('no count is stored under the deadline of the request that it came with', async () => {
  const { stored, database, counting } = open();
  within(startDeadline(UNHURRIED.shop), () => counting.add('red', { accepted: 1 }));
  await vi.advanceTimersByTimeAsync(2000);
  expect(stored).toHaveLength(1);
  expect(database.underDeadline).toBe(false);
});

test('answers are counted by what became of each event; of a call that is refused all are', async () => {
  const { stored, counting } = open();
  const visitor = { id: 'v', consents: true };
  const error = new SimiliError('NOT_IN_LIST', { itemId: 'x' });
  const rejections = [0, 1].map((index) => ({ index, field: [], error }));
  const answers = [
    { accepted: 2, duplicates: 1, withoutConsent: 0, rejections },
    { accepted: 0, duplicates: 0, withoutConsent: 4, rejections: [] },
  ];
  const use = (answer: () => Promise<FeedbackResult>) =>
    counted(
      { submitFeedback: (_visitor: Visitor, _entries: readonly unknown[]) => answer() },
      counting,
      'red',
    ).submitFeedback(visitor, [1, 2, 3]);
  for (const answer of answers) expect(await use(async () => answer)).toBe(answer);
  await expect(use(() => Promise.reject(new Error('a bug')))).rejects.toThrow('a bug');
  await expect(
    use(() => Promise.reject(new SimiliError('INVALID_ARGUMENT', { argument: 'visitor.id', why: 'is wrong' }))),
  ).rejects.toThrow('is wrong');
  const unasked = (_visitor: Visitor, _entries: readonly unknown[], _admit?: () => void): Promise<FeedbackResult> =>
    Promise.reject(new Error('not asked'));
  const many = counted({ submitFeedback: unasked }, counting, 'red');
  const refuse = () => {
    throw new SimiliError('RATE_LIMITED', { retryAfter: 2 });
  };
  await expect(many.submitFeedback(visitor, [1, 2], refuse)).rejects.toMatchObject({ code: 'RATE_LIMITED' });
  await counting.flush();
  expect(stored.flat()).toEqual([
    row('red', 'accepted', 2),
    row('red', 'duplicates', 1),
    row('red', 'NOT_IN_LIST', 2),
    row('red', 'withoutConsent', 4),
    row('red', 'INVALID_ARGUMENT', 3),
    row('red', 'RATE_LIMITED', 2),
  ]);
});
