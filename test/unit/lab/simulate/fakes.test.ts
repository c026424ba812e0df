import { expect, test } from 'vitest';
import { exposureOf } from '../../../../lab/simulate/exposure.ts';
import { botKinds, type Deed, deedsOf, type FakeKind } from '../../../../lab/simulate/fakes.ts';
import { byRole, groupsOf, rolesOf } from '../../../../lab/simulate/roles.ts';
import { weightsOfSeasons } from '../../../../lab/simulate/taste.ts';
import { makeRandom } from '../../../../learning/numbers/random.ts';

const visits = (kind: FakeKind): Deed[][] =>
  Array.from({ length: 50 }, (_, seed) => [...deedsOf(kind, { places: 24, anchors: 30 }, makeRandom(seed))]);
const clicksOf = (deeds: Deed[]) => deeds.flatMap((deed) => (deed.do === 'click' ? [deed.place] : []));
const opened = (deeds: Deed[]) => deeds.flatMap((deed) => (deed.do === 'open' ? [deed] : []));
const time = (deeds: Deed[]) => deeds.reduce((sum, deed) => sum + (deed.do === 'wait' ? deed.ms : 0), 0);

test('every visit of a bot shows what gives its kind away', () => {
  for (const deeds of visits('crawler')) expect((60_000 * clicksOf(deeds).length) / time(deeds)).toBeGreaterThan(50);
  for (const deeds of visits('hasty'))
    for (const [i, deed] of deeds.entries()) {
      const next = deeds[i + 1];
      if (deed.do === 'open' && next?.do === 'wait') expect(next.ms).toBeLessThan(1000);
    }
  for (const deeds of visits('replayer')) {
    expect(new Set(clicksOf(deeds)).size).toBe(1);
    expect(clicksOf(deeds).length).toBeGreaterThanOrEqual(12);
    expect(opened(deeds)).toHaveLength(1);
  }
  for (const deeds of visits('blind')) expect(opened(deeds).some(({ isSeen }) => isSeen)).toBe(false);
  for (const kind of botKinds) for (const deeds of visits(kind)) expect(clicksOf(deeds)).not.toContain('pushed');
});

test('a farm clicks the pushed product in every list that it opens, in five to fourteen lists or in one or two', () => {
  for (const [kind, least, most] of [
    ['pusher', 5, 14],
    ['spreader', 1, 2],
  ] as const) {
    const counts = visits(kind).map((deeds) => {
      const anchors = opened(deeds).map(({ anchor }) => anchor);
      expect(new Set(anchors).size).toBe(anchors.length);
      expect(clicksOf(deeds).filter((place) => place === 'pushed')).toHaveLength(anchors.length);
      return anchors.length;
    });
    expect([Math.min(...counts), Math.max(...counts)]).toEqual([least, most]);
  }
});

test('fakes have their share of all who came, however small the groups are that come, and kinds take turns', () => {
  for (const size of [1, 7, 400]) {
    const all = Array.from({ length: Math.ceil(400 / size) }, (_, i) =>
      rolesOf({ bots: 0.1, farm: 0.01 }, i * size, Math.min(size, 400 - i * size), makeRandom(i)),
    ).flat();
    const counts = byRole((role) => all.filter((one) => one === role).length);
    expect(groupsOf(counts)).toEqual({ shoppers: 356, bots: 40, farm: 4 });
    expect(counts).toMatchObject({ crawler: 10, hasty: 10, replayer: 10, blind: 10, pusher: 2, spreader: 2 });
  }
  expect(rolesOf({ bots: 0, farm: 0 }, 0, 3, makeRandom(1))).toEqual(['shopper', 'shopper', 'shopper']);
});

test('a product is seen as the place lets it be: the sum of k^-0.7', () => {
  expect(exposureOf([])).toBe(0);
  expect(exposureOf([1, 2, 10])).toBeCloseTo(1 + 0.6156 + 0.1995, 3);
});

test('a taste goes from season to season by equal steps to its opposite', () => {
  const weights = { colour: 0.8, shape: 0.2 };
  expect(weightsOfSeasons(weights, 1)).toEqual([weights]);
  const [first, middle, last] = weightsOfSeasons(weights, 3);
  expect([first, last]).toEqual([weights, { colour: 0.2, shape: 0.8 }]);
  expect([middle!.colour, middle!.shape]).toEqual([expect.closeTo(0.5, 12), expect.closeTo(0.5, 12)]);
  expect(() => weightsOfSeasons({ colour: 1, shape: 1 }, 2)).toThrow('--seasons');
});
