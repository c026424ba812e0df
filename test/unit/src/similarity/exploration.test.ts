import fc from 'fast-check';
import { expect, test } from 'vitest';
import { explore, inPlaces, type Places, propensityOf } from '../../../../src/similarity/exploration.ts';

const share = fc.double({ min: 0.001, max: 0.2, noNaN: true });
const places = fc.record({ first: fc.integer({ min: 1, max: 60 }), count: fc.integer({ min: 0, max: 50 }) });
const draw = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

test('a list is a ranking with at most one pair of neighbours exchanged', () => {
  fc.assert(
    fc.property(share, places, draw, (share, { first, count }, draw) => {
      const ranked = Array.from({ length: count }, (_, i) => first + i);
      const exploration = explore(share, { first, count }, draw);
      const shown = inPlaces(ranked, { first }, exploration);
      const { swapped } = exploration;
      const moved = shown.filter((rank, i) => rank !== first + i);
      expect(moved).toEqual(swapped ? [swapped + 1, swapped] : []);
      expect(swapped > 0).toBe(count > 1 && draw < share);
    }),
  );
});

test('the propensity of a place is the share of draws that show the product there', () => {
  const where: Places = { first: 3, count: 5 };
  const draws = 20_000;
  const shown = new Map<string, number>();
  for (let i = 0; i < draws; i++) {
    const list = inPlaces([3, 4, 5, 6, 7], where, explore(0.2, where, i / draws));
    for (const [at, rank] of list.entries()) {
      const key = `${rank} at ${3 + at}`;
      shown.set(key, (shown.get(key) ?? 0) + 1 / draws);
    }
  }
  for (let rank = 3; rank <= 7; rank++) {
    for (let place = 2; place <= 8; place++) {
      const chance = propensityOf(rank, place, where, { share: 0.2, swapped: 0 });
      expect(chance, `${rank} at ${place}`).toBeCloseTo(shown.get(`${rank} at ${place}`) ?? 0, 3);
    }
  }
});

test('the chances of a product over all places sum to 1', () => {
  fc.assert(
    fc.property(share, places, fc.nat(49), (share, where, at) => {
      fc.pre(at < where.count);
      const rank = where.first + at;
      const chances = [-1, 0, 1].map((by) => propensityOf(rank, rank + by, where, { share, swapped: 0 }));
      expect(chances.reduce((sum, chance) => sum + chance, 0)).toBeCloseTo(1, 12);
    }),
  );
});

test('the pair at the top is exchanged four times as often as the second one, and nine times as often as the third', () => {
  const where: Places = { first: 1, count: 4 };
  const chance = (place: number) => propensityOf(place, place + 1, where, { share: 0.049, swapped: 0 });
  expect([1, 2, 3].map(chance)).toEqual([0.036, 0.009, 0.004].map((value) => expect.closeTo(value, 12)));
});
