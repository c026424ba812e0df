import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isIn } from '../../../../../learning/metrics/split.ts';
import { makeRandom } from '../../../../../learning/numbers/random.ts';
import type { SeenPair } from '../../../../../learning/relevance/seen-pairs.ts';
import { fitShares } from '../../../../../workers/training/fusion/mixture.ts';
import {
  chosenTogether,
  clickShare,
  learnerFromClicks,
  learnFromClicks,
} from '../../../../../workers/training/triplets/clicks.ts';
import {
  byPictures,
  identityTriplets,
  structureTriplets,
} from '../../../../../workers/training/triplets/of-catalog.ts';

/** 60 items, even and odd ones: 42 to train on, 6 for validation, 12 for tests. */
const columns = {
  categories: Int32Array.from({ length: 60 }, (_, i) => i % 2),
  splits: Uint8Array.from({ length: 60 }, (_, i) => (i < 42 ? 0 : i < 48 ? 1 : 2)),
};
const flat = () => 0.1;

/** Every anchor's list shows ten items; the one at `liked` is clicked with a high chance, others with a low one. */
function shopping(sessions: number, likes: (anchor: number, item: number) => boolean): SeenPair[] {
  const random = makeRandom(3);
  const seen = new Map<string, SeenPair>();
  for (let session = 0; session < sessions; session++) {
    const anchor = random.int(60);
    for (let position = 1; position <= 10; position++) {
      const item = random.int(60);
      const clicked = random.next() < (likes(anchor, item) ? 0.6 : 0.05) / position ? 1 : 0;
      const key = `${anchor} ${item} ${position}`;
      const old = seen.get(key) ?? { anchor, item, position, impressions: 0, clicks: 0, value: 0 };
      seen.set(key, {
        ...old,
        impressions: old.impressions + 1,
        clicks: old.clicks + clicked,
        value: old.value + clicked,
      });
    }
  }
  return [...seen.values()];
}
const kin = (a: number, b: number) => a % 3 === b % 3;

test('triplets follow what shoppers chose, in spite of position, and never touch a held-out product', () => {
  const { triplets, chosen } = learnFromClicks(shopping(4000, kin), columns, flat);
  expect(chosen).toBe(new Set(triplets.map(({ q, p }) => `${q} ${p}`)).size);
  expect(chosen).toBeGreaterThan(100);
  const right = triplets.filter(({ q, p, n }) => Number(kin(q, p)) > Number(kin(q, n))).length;
  const wrong = triplets.filter(({ q, p, n }) => Number(kin(q, p)) < Number(kin(q, n))).length;
  expect(right).toBeGreaterThan(5 * wrong);
  expect(triplets.flatMap(({ q, p, n }) => [q, p, n]).some((i) => isIn(columns, i, 'test'))).toBe(false);
});

test('what pictures say of a pair is asked for where relevance is, once, and not for triplets and choices', () => {
  let asked = 0;
  const counting = () => {
    asked++;
    return 0.1;
  };
  const { triplets, sets, relevance } = learnFromClicks(shopping(2000, kin), columns, counting);
  expect([triplets.length > 0, sets.length > 0, asked]).toEqual([true, true, 0]);
  const { q, p, n } = triplets[0]!;
  expect(relevance(q, p)! - relevance(q, n)!).toBeGreaterThan(0);
  const once = asked;
  expect(once).toBeGreaterThan(0);
  expect(relevance(59, 59)).toBeUndefined();
  relevance(q, p);
  expect(asked).toBe(once);
});

test('feedback that is heard once teaches by each exponent what it teaches alone', () => {
  const all = shopping(2000, kin);
  const learner = learnerFromClicks(all, columns, flat, 'test');
  const [estimated, low, high] = [0, -2.58, 2.58].map(learner);
  const alone = learnFromClicks(all, columns, flat, 'test');
  expect(estimated!.triplets).toEqual(alone.triplets);
  expect(low!.sets[0]!.exposure[0]).toBeGreaterThan(estimated!.sets[0]!.exposure[0]!);
  expect(high!.sets[0]!.exposure[0]).toBeLessThan(estimated!.sets[0]!.exposure[0]!);
  expect(low!.sets[0]!.chosen).toEqual(high!.sets[0]!.chosen);
  expect(learner(0)).toMatchObject({ triplets: estimated!.triplets, sets: estimated!.sets });
});

test('evaluation takes held-out anchors only', () => {
  const { triplets } = learnFromClicks(shopping(2000, kin), columns, flat, 'test');
  expect(triplets.length).toBeGreaterThan(0);
  expect(triplets.every(({ q }) => isIn(columns, q, 'test'))).toBe(true);
});

test('of pairs that are named only these make triplets, held out or not', () => {
  const all = shopping(2000, kin);
  const days = all.filter(({ anchor }) => anchor < 20);
  const { triplets } = learnFromClicks(all, columns, flat, days);
  expect(new Set(triplets.map(({ q }) => q)).size).toBeGreaterThan(10);
  expect(triplets.every(({ q }) => q < 20)).toBe(true);
  expect(triplets.some(({ p, n }) => isIn(columns, p, 'test') || isIn(columns, n, 'test'))).toBe(true);
});

/** Squared distance of two directions. */
const apart = (a: number, b: number) => 2 - 2 * Math.cos(a - b);

test('the mix moves to the block that explains the clicks, the more the more of them there are', () => {
  // One block knows the taste (i mod 3), the other the category (i mod 2).
  const fitted = [3, 2].map((m) => {
    return { distance: (i: number, j: number) => apart((i % m) * 2 + i / 100, (j % m) * 2 + j / 100) };
  });
  const structure = structureTriplets(
    columns,
    Int32Array.from({ length: 60 }, (_, i) => i),
    makeRandom(1),
  );
  const shareOfTaste = (sessions: number): number => {
    const { sets } = learnFromClicks(shopping(sessions, kin), columns, flat);
    const evidence = { structure, identity: [], people: [], choices: 0, sets };
    return fitShares({ fitted, prior: [0.5, 0.5] }, evidence)[0]!;
  };
  const [none, few, many] = [shareOfTaste(0), shareOfTaste(600), shareOfTaste(4000)];
  expect(none).toBeLessThan(0.45);
  expect(few).toBeGreaterThan(none + 0.01);
  expect(many).toBeGreaterThan(few + 0.05);
});

test('a catalog with one category, or none, gives no structure and the mix stays at its prior', () => {
  const chosen = Int32Array.from({ length: 60 }, (_, i) => i);
  for (const category of [-1, 0]) {
    const alone = { ...columns, categories: new Int32Array(60).fill(category) };
    expect(structureTriplets(alone, chosen, makeRandom(1))).toEqual([]);
  }
  const nothing = { structure: [], identity: [], people: [], choices: 0, sets: [] };
  const fitted = [{ distance: () => 0 }, { distance: () => 0 }];
  expect(fitShares({ fitted, prior: [0.7, 0.3] }, nothing)).toEqual([0.7, 0.3]);
});

test('other pictures of one product beat those of its nearest rivals, and products of one picture say nothing', () => {
  // Items of 1, 2 and 3 pictures.
  const starts = Int32Array.from([0, 1, 3, 6]);
  const itemOf = (picture: number) => [0, 1, 1, 2, 2, 2][picture];
  const chosen = Int32Array.of(0, 1, 2);
  const triplets = identityTriplets({ starts }, chosen, (a, b) => Math.abs(a - b), makeRandom(1), 500);
  expect(triplets).toHaveLength(500);
  for (const { q, p, n } of triplets) {
    expect(itemOf(p)).toBe(itemOf(q));
    expect(p).not.toBe(q);
    expect(itemOf(n)).not.toBe(itemOf(q));
  }
  expect(new Set(triplets.map(({ q, p }) => `${q} ${p}`)).size).toBe(2 + 6);
  expect(identityTriplets({ starts }, Int32Array.of(0), () => 0, makeRandom(1))).toEqual([]);
  expect(byPictures([{ q: 0, p: 1, n: 2, weight: 3 }], { starts })).toEqual([{ q: 0, p: 1, n: 3, weight: 3 }]);
});

/** Clicks on an item in one anchor's lists, all of them to train on. */
const seen = (item: number, impressions: number, clicks: number, position = 1): SeenPair => ({
  anchor: 0,
  item,
  position,
  impressions,
  clicks,
  value: clicks,
});

test('what the golden feature says of a pair is worth ten impressions', () => {
  const { relevance } = learnFromClicks([seen(1, 30, 6), seen(2, 30, 0)], columns, flat);
  // On the prior's scale a choice is worth one: (30 · 6/30 + 10 · .1) / (30 + 10), and (0 + 10 · .1) / 40.
  expect([relevance(0, 1), relevance(0, 2), relevance(0, 3)]).toEqual([
    expect.closeTo(7 / 40, 9),
    expect.closeTo(1 / 40, 9),
    undefined,
  ]);
});

test('one impression far down a list counts for ten at most', () => {
  const far = 10_000;
  const theta = far ** -0.3; // nothing has moved: the prior's exponent
  const { relevance } = learnFromClicks([seen(1, 200, 20), seen(2, 100, 0), seen(2, 100, 0, far)], columns, flat);
  const examined = 100 + 10 * theta * 100;
  const informed = examined ** 2 / (100 + 10 ** 2 * theta * 100);
  expect(1 / theta).toBeGreaterThan(15);
  expect(relevance(0, 2)).toBeCloseTo((10 * 0.1) / (informed + 10), 9);
});

test('a triplet needs a standard error of room on either side, from a flat and weak start', () => {
  // Both of n impressions, the prior .1 worth half of one; choices on the prior's scale.
  const [n, few, strength, prior] = [2000, 100, 0.5, 0.1];
  const bounds = (own: number, all: number) => {
    const scale = (2 * n * prior) / all;
    const r = (scale * own + strength * prior) / (n + strength);
    const one = scale / (n + strength);
    const error = Math.sqrt(Math.max(r, one) * one);
    return { r, low: r - error, high: r + error };
  };
  const sure = Array.from({ length: 60 }, (_, more) => few + more).filter((clicks) => {
    const [more, less] = [bounds(clicks, few + clicks), bounds(few, few + clicks)];
    const { triplets } = learnFromClicks([seen(1, n, clicks), seen(2, n, few)], columns, flat);
    const isSure = more.low >= less.high && more.r > less.r;
    const expected = isSure ? [{ q: 0, p: 1, n: 2, weight: expect.closeTo(more.r - less.r, 9) }] : [];
    expect(triplets).toEqual(expected);
    return isSure;
  });
  // A hundred choices have an error of ten on either side: 21 more are not enough, 22 are.
  expect(sure[0]).toBe(122);
});

test('one anchor gives at most forty triplets', () => {
  const passedOver = Array.from({ length: 41 }, (_, i) => seen(1 + i, 1000, 0));
  const liked = seen(42, 1000, 900);
  expect(learnFromClicks([liked, ...passedOver.slice(0, 39)], columns, flat).triplets).toHaveLength(39);
  expect(learnFromClicks([liked, ...passedOver], columns, flat).triplets).toHaveLength(40);
});

test('a quarter of a vote makes a positive, less than that makes none', () => {
  const positives = (votes: number) => {
    // What is always clicked far down makes a single choice worth little, so that the start alone puts the first above the last.
    const pairs = [seen(1, 2, votes), seen(3, 10_000, 9000, 10_000), seen(2, 10_000, 0)];
    return new Set(learnFromClicks(pairs, columns, flat).triplets.map(({ p }) => p));
  };
  expect([positives(0.24), positives(0.25)]).toEqual([new Set([3]), new Set([1, 3])]);
});

/** Caps of one visitor: in all, and about one anchor (src/db/feedback-days.ts). */
const CAPS = { value: 20, ofAnchor: 10, sightings: 1000 };
/** Anchors from 100 on, of which nobody knows anything but one visitor, who is first told what he wishes for and then what is left of his caps. */
function alone(wishes: readonly { anchor: number; votes: number; value: number }[], passedOver: number): SeenPair[] {
  const left = new Map<number, number>();
  let all = CAPS.value;
  const chosen = wishes.flatMap(({ anchor, votes, value: each }, i): SeenPair[] => {
    const own = left.get(anchor) ?? CAPS.ofAnchor;
    const value = Math.min(votes * each, own, all);
    left.set(anchor, own - value);
    all -= value;
    const clicks = value / each; // always chosen where it was seen: that says most
    return clicks > 0 ? [{ anchor: 100 + anchor, item: 200 + i, position: 1, impressions: clicks, clicks, value }] : [];
  });
  const impressions = CAPS.sightings / (left.size * passedOver);
  const passed = [...left.keys()].flatMap((anchor) =>
    Array.from({ length: passedOver }, (_, i): SeenPair => {
      return { anchor: 100 + anchor, item: 300 + 40 * anchor + i, position: 1, impressions, clicks: 0, value: 0 };
    }),
  );
  return [...chosen, ...passed];
}

test('one visitor makes no more than twenty triplets by himself, however he spreads what he counts for', () => {
  const others = shopping(2000, kin);
  const crowd = { categories: new Int32Array(800), splits: new Uint8Array(800) };
  const made = (own: readonly SeenPair[]) =>
    learnFromClicks([...others, ...own], crowd, flat).triplets.filter(({ q }) => q >= 100).length;
  const twice = [0, 1].map((anchor) => ({ anchor, votes: 10, value: 1 }));
  expect(made(alone(twice, 40))).toBe(CAPS.value);
  const wish = fc.record({
    anchor: fc.nat(9),
    votes: fc.double({ min: 0.25, max: 10, noNaN: true }),
    value: fc.constantFrom(1, 3, 6, 10),
  });
  fc.assert(
    fc.property(
      fc.array(wish, { minLength: 1, maxLength: 40 }),
      fc.integer({ min: 1, max: 40 }),
      (wishes, passedOver) => {
        expect(made(alone(wishes, passedOver))).toBeLessThanOrEqual(CAPS.value);
      },
    ),
    { numRuns: 50 },
  );
});

test('what was chosen without being in a triplet gives the triplets no weight', () => {
  const { triplets, chosen, sets } = learnFromClicks([seen(1, 3, 1), seen(2, 3, 1), seen(3, 3, 1)], columns, flat);
  expect([triplets.length, chosen]).toEqual([0, 0]);
  expect(sets).toMatchObject([{ anchor: 0, items: Int32Array.of(1, 2, 3), chosen: Float64Array.of(1, 1, 1) }]);
});

test('what was looked at for less than a hundredth of an impression is no negative', () => {
  const negatives = (impressions: number) => {
    // Purchases make the first surely better than most, whom many others clicked.
    const pairs = [{ ...seen(1, 100, 90), value: 900 }, seen(3, 10_000, 9000), seen(2, impressions, 0)];
    return learnFromClicks(pairs, columns, flat).triplets.map(({ n }) => n);
  };
  expect([negatives(0.009), negatives(0.011)]).toEqual([[3], [3, 2]]);
});

test('clicks decide half of the batches at most, a quarter with two hundred choices', () => {
  const learned = (chosen: number) => ({
    chosen,
    triplets: [{ q: 1, p: 2, n: 3, weight: 4 }],
    sets: [],
    relevance: () => undefined,
  });
  expect([0, 200, 600].map((chosen) => clickShare(learned(chosen)))).toEqual([0, 0.25, 0.375]);
  expect(chosenTogether(learned(200))).toEqual({ of: expect.any(Function), share: 0.25 });
});
