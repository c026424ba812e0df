import fc from 'fast-check';
import { expect, test } from 'vitest';
import { firstJudgedDay, firstUnseenDay, latest } from '../../../../workers/evidence/judged-days.ts';
import { seenPairs } from '../../../../workers/evidence/training-set.ts';
import { learnFromClicks } from '../../../../workers/training/triplets/clicks.ts';

const DAY_MS = 86_400_000;
const UNTIL = new Date('2026-11-20T15:00:00Z');
/** The day so many days before that of `UNTIL`. */
const ago = (days: number) => new Date(UNTIL.getTime() - days * DAY_MS).toISOString().slice(0, 10);
/** The first judged day where so many choices came on the last days, the newest last; as days before `UNTIL`, -1: none judges. */
function judgedSince(...choices: number[]): number {
  const days = choices.map((count, i) => ({ day: ago(choices.length - 1 - i), choices: count }));
  const first = firstJudgedDay(days, UNTIL);
  return Array.from({ length: 20 }, (_, i) => i - 1).find((i) => ago(i) === first)!;
}

test('the last days judge, seven at most, as many as hold a thousand choices, and never more than a fifth of all', () => {
  expect(judgedSince(...Array(40).fill(10))).toBe(6);
  expect(judgedSince(...Array(5).fill(10))).toBe(0); // a fifth
  expect(judgedSince(...Array(4).fill(10))).toBe(-1); // a quarter
  expect(judgedSince(81, 10, 10)).toBe(1);
  expect(judgedSince(79, 10, 10)).toBe(0);
  expect(judgedSince(...Array(40).fill(999))).toBe(1);
  expect(judgedSince(...Array(40).fill(1000))).toBe(0);
  expect(judgedSince(100, 0, 3, 0)).toBe(1);
  expect(judgedSince(100, 0, 0)).toBe(-1); // nothing to judge with
  expect([judgedSince(), judgedSince(50)]).toEqual([-1, -1]);
});

test('days that were long ago do not judge', () => {
  const old = [9, 8, 7].map((days) => ({ day: ago(days), choices: 10 }));
  expect(firstJudgedDay([{ day: ago(30), choices: 1000 }, ...old], UNTIL)).toBe(ago(-1));
  expect(firstJudgedDay([{ day: ago(30), choices: 1000 }, ...old, { day: ago(6), choices: 5 }], UNTIL)).toBe(ago(6));
});

test('a version knows nothing of the days that it was to be judged by; an older one all up to when it was made', () => {
  const createdAt = new Date('2026-11-03T23:30:00Z');
  expect(firstUnseenDay({ metrics: { training: { judgedFrom: '2026-10-30' } }, createdAt })).toBe('2026-10-30');
  expect(firstUnseenDay({ metrics: { training: {} }, createdAt })).toBe('2026-11-04');
  expect(firstUnseenDay({ metrics: null, createdAt })).toBe('2026-11-04');
  expect(latest(['2026-11-04', '2026-12-01', '2026-10-30'])).toBe('2026-12-01');
});

const ITEMS = 12;
const ids = Array.from({ length: ITEMS }, (_, i) => `p${i}`);
const columns = { categories: new Int32Array(ITEMS), splits: new Uint8Array(ITEMS) };
const deed = fc.record({
  days: fc.nat(14),
  anchor: fc.nat(2),
  item: fc.integer({ min: 3, max: ITEMS - 1 }),
  clicked: fc.boolean(),
});
type Deed = { days: number; anchor: number; item: number; clicked: boolean };

/** Days as the database gives them: rows of those in the range, and the choices of each. */
function feedbackOf(deeds: readonly Deed[]) {
  const read = async (_until: Date, take: (page: never[]) => void, rangeOf: Parameters<typeof seenPairs>[3]) => {
    const names = [...new Set(deeds.map(({ days }) => ago(days)))].sort();
    const of = (day: string) => deeds.filter((one) => ago(one.days) === day);
    const range = rangeOf!(names.map((day) => ({ day, choices: of(day).filter(({ clicked }) => clicked).length })));
    const own = deeds.filter(({ days }) => ago(days) < range.before!);
    take(
      own.map(({ anchor, item, clicked }) => {
        const votes = { impressions: 30, clicks: 9 * Number(clicked), value: 9 * Number(clicked) };
        return { anchorId: ids[anchor], itemId: ids[item], position: 1, ...votes };
      }) as never[],
    );
    return range;
  };
  return { days: { read } } as unknown as Parameters<typeof seenPairs>[0];
}

test('no choice of the judged days is in the triplets of a training: whatever else was chosen then, they are the same', async () => {
  const learned = async (deeds: readonly Deed[]) => {
    const { pairs, before } = await seenPairs(feedbackOf(deeds), UNTIL, ids, (days) => {
      return { from: null, before: firstJudgedDay(days, UNTIL) };
    });
    return { ...learnFromClicks(pairs, columns, () => 0.1), relevance: null, before: before! };
  };
  let [judging, teaching] = [0, 0];
  await fc.assert(
    fc.asyncProperty(fc.array(deed, { minLength: 40, maxLength: 120 }), fc.nat(ITEMS), async (deeds, shift) => {
      const own = await learned(deeds);
      const isJudged = ({ days }: Deed) => ago(days) >= own.before;
      const changed = deeds.map((one) =>
        isJudged(one) ? { ...one, item: 3 + ((one.item + shift) % (ITEMS - 3)) } : one,
      );
      expect(await learned(changed)).toEqual(own);
      const chosen = new Set(
        deeds.filter((one) => one.clicked && !isJudged(one)).map((one) => `${one.anchor} ${one.item}`),
      );
      for (const { q, p } of own.triplets) expect(chosen).toContain(`${q} ${p}`);
      judging += deeds.filter((one) => one.clicked && isJudged(one)).length;
      teaching += own.triplets.length;
    }),
    { numRuns: 40, seed: 1 },
  );
  expect(judging).toBeGreaterThan(40);
  expect(teaching).toBeGreaterThan(100);
});
