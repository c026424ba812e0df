import { expect, test } from 'vitest';
import { makeRandom } from '../../../../learning/numbers/random.ts';
import { examinedPlaces } from '../../../../learning/relevance/examined-places.ts';
import { fitPropensity } from '../../../../learning/relevance/propensity.ts';
import type { SeenPair } from '../../../../learning/relevance/seen-pairs.ts';
import { exploringPairs } from '../../../support/click-worlds.ts';
import { regressionEm } from '../../../support/regression-em.ts';

const seen = (item: number, position: number, impressions: number, clicks: number, placement?: string): SeenPair => ({
  anchor: 0,
  item,
  position,
  impressions,
  clicks,
  value: clicks,
  ...(placement !== undefined && { placement }),
});
/** A page whose fold is behind the fourth place: no power law. */
const FOLD = [1, 0.9, 0.85, 0.8, 0.1, 0.09];
const theta = (position: number) => FOLD[position - 1]!;
/** Pairs that were at neighbouring places. */
const neighbours = (worth: (item: number) => number, impressions = 1e6) =>
  FOLD.slice(1).flatMap((_, i) =>
    [i + 1, i + 2].map((k) => seen(i, k, impressions, impressions * worth(i) * theta(k))),
  );

test('a curve that is no power law is found place by place, and told to be apart from the law', () => {
  const [found, ...others] = examinedPlaces(neighbours((item) => [0.05, 0.01, 0.02][item % 3]!));
  expect(others).toEqual([]);
  expect(found!.places.map(({ place }) => place)).toEqual([2, 3, 4, 5, 6]);
  for (const { place, free, low, high } of found!.places) {
    expect(free / theta(place)).toBeCloseTo(1, 2);
    expect(low).toBeLessThan(free);
    expect(high).toBeGreaterThan(free);
  }
  expect(found!.apart).toBeGreaterThan(2);
});

test('where examination follows a law the places say the same as it, and the exponent is that of the law', () => {
  const pairs = exploringPairs({ lists: 200_000, share: 0.03, examined: 0.7, seed: 11 });
  const { placement, exponent, error, places, apart } = examinedPlaces(pairs)[0]!;
  const { eta, error: known } = fitPropensity(pairs);
  expect({ placement, exponent, error }).toEqual({ placement: 'default', exponent: eta, error: known });
  expect(places).toHaveLength(11);
  for (const { place, law } of places) expect(law).toBeCloseTo(place ** -eta, 12);
  expect(apart).toBeLessThanOrEqual(2);
});

test('however deep somebody looks, the places that are told of take no longer, and stay what they were', () => {
  const page = neighbours(() => 0.02);
  const deep = Array.from({ length: 4000 }, (_, i) => [i + 100, i + 101].map((k) => seen(i + 10, k, 100, 1))).flat();
  // At one place that is heard, and there alone.
  const both = [seen(5000, 3, 1e6, 1), seen(5000, 900, 1, 1e6)];
  const [found] = examinedPlaces([...page, ...deep, ...both]);
  expect(found!.places.map(({ place }) => place)).toEqual([2, 3, 4, 5, 6]);
  for (const { place, free } of found!.places) expect(free / theta(place)).toBeCloseTo(1, 2);
  expect(examinedPlaces(deep)).toEqual([]);
});

test('it is what regression-EM comes to, of pairs that moved and are seldom chosen', () => {
  const random = makeRandom(5);
  const pairs = [0, 1, 2, 3, 4, 5, 6, 7].flatMap((item) => {
    const worth = 0.01 + 0.03 * random.next();
    return [1, 2, 3, 4].map((k) => {
      const impressions = 20_000 + random.int(60_000);
      return seen(item, k, impressions, Math.round(impressions * worth * theta(k) * (0.9 + 0.2 * random.next())));
    });
  });
  const oracle = regressionEm(pairs, 3000);
  for (const { place, free } of examinedPlaces(pairs)[0]!.places) expect(free / oracle.get(place)!).toBeCloseTo(1, 2);
});

test('of pairs that stay nothing is told: there EM ends wherever it begins', () => {
  const stay = [1, 2, 3].map((k) => seen(k, k, 1e5, 1e4 / k ** 2));
  expect(examinedPlaces(stay)).toEqual([]);
  expect(regressionEm(stay, 500).get(3)).toBeGreaterThan(0.9);
  expect(regressionEm(stay, 500, { theta: 0.3, gamma: 0.9 }).get(3)).toBeLessThan(0.3);
  const moves = [seen(9, 1, 2000, 200), seen(9, 3, 2000, 200)];
  const { places } = examinedPlaces([...stay, ...moves])[0]!;
  expect(places.map(({ place }) => place)).toEqual([3]);
  expect(places[0]!.free).toBeCloseTo(1, 1);
});

test('its intervals hold the truth, and a place of which little is heard has the law in the middle of a wide one', () => {
  let [holding, asked] = [0, 0];
  for (let world = 0; world < 60; world++) {
    const random = makeRandom(world);
    const pairs = neighbours((item) => 0.02 + 0.01 * item, 4000).map((pair) => ({
      ...pair,
      clicks: Array.from({ length: 4000 }, () => Number(random.next() < pair.clicks / 4000)).reduce((a, b) => a + b, 0),
    }));
    for (const { place, low, high } of examinedPlaces(pairs)[0]!.places) {
      asked++;
      holding += low <= theta(place) && theta(place) <= high ? 1 : 0;
    }
  }
  expect(holding / asked).toBeGreaterThan(0.9);
  const [little] = examinedPlaces([seen(1, 1, 1e6, 1e4), seen(1, 2, 1e6, 9000), seen(2, 2, 1, 1), seen(2, 12, 1, 0)]);
  const last = little!.places.at(-1)!;
  expect(last.place).toBe(12);
  expect(last.high / last.low).toBeGreaterThan(10);
});

test('each placement has its own, by name, the one without a name is `default`; places behind the twelfth are heard and not told', () => {
  const cart = [seen(1, 1, 1000, 100, 'cart'), seen(1, 14, 1000, 50, 'cart'), seen(1, 2, 1000, 80, 'cart')];
  const found = examinedPlaces([...cart, seen(1, 1, 1000, 100), seen(1, 3, 1000, 20)]);
  expect(found.map(({ placement, places }) => [placement, places.map(({ place }) => place)])).toEqual([
    ['cart', [2]],
    ['default', [3]],
  ]);
});
