import { expect, test } from 'vitest';
import { type LoggedAnchor, offPolicyRates } from '../../../../learning/metrics/off-policy.ts';
import { makeRandom } from '../../../../learning/numbers/random.ts';
import { fitExamination } from '../../../../learning/relevance/examination.ts';
import { exploringWorld, loggedAnchors, ordersOf, trueRate } from '../../../support/click-worlds.ts';
import { seen } from '../../../support/seen-pair.ts';

const sure = (eta: number) => ({ examination: () => ({ eta, deviation: 0, error: 0 }), random: makeRandom(3) });

test('of what was really shown it finds what was really chosen, and of another order what theta makes of it', async () => {
  // theta = 1, 1/2, 1/3: attractions .3, .2, .6 and .1, .4, .3 in 600 and 300 views.
  const attractions = [
    [0.3, 0.2, 0.6],
    [0.1, 0.4, 0.3],
  ];
  const views = [600, 300];
  const orders = [
    [0, 1, 2],
    [2, 1, 0],
  ];
  const anchors: LoggedAnchor[] = attractions.map((own, anchor) => ({
    pairs: own.map((attraction, i) => seen(anchor, i, i + 1, views[anchor]!, (views[anchor]! * attraction) / (i + 1))),
    rankings: orders,
  }));
  const wanted = orders.map(
    (order) =>
      attractions.reduce(
        (sum, own, a) => sum + views[a]! * order.reduce((rate, item, k) => rate + own[item]! / (k + 1), 0),
        0,
      ) / 900,
  );
  const { rates, differences } = await offPolicyRates(anchors, sure(1));
  for (const [system, { snips, doublyRobust, seen: share }] of rates.entries()) {
    expect(snips!.mean).toBeCloseTo(wanted[system]!, 10);
    expect(doublyRobust.mean).toBeCloseTo(wanted[system]!, 10); // every view saw every item: the correction is whole
    expect(share).toBe(1);
  }
  expect(differences[0]!.mean).toBeCloseTo(wanted[1]! - wanted[0]!, 10);
  // Weights are 1 as shown; the other way round 1/3, 1, 3 of as many impressions each.
  expect(rates[0]!.effectiveImpressions).toBeCloseTo(2700, 6);
  expect(rates[1]!.effectiveImpressions).toBeCloseTo((900 * (1 / 3 + 1 + 3)) ** 2 / (900 * (1 / 9 + 1 + 9)), 6);
});

test('an item that nobody saw counts as the mean of its anchor, and its share is told', async () => {
  const anchors: LoggedAnchor[] = [{ pairs: [seen(0, 7, 1, 1000, 200), seen(0, 8, 2, 1000, 100)], rankings: [[9, 7]] }];
  const [rate] = (await offPolicyRates(anchors, sure(0))).rates;
  expect(rate!.seen).toBe(0.5);
  expect(rate!.snips!.mean).toBeCloseTo(0.2 * 2, 10);
  expect(rate!.doublyRobust.mean).toBeCloseTo(0.15 + 0.2, 10);
});

test('where nobody saw an item of a ranking SNIPS is not measured, and draws without one leave it a number where somebody did', async () => {
  const logged = (anchor: number, ...ranking: number[]): LoggedAnchor => ({
    pairs: [seen(anchor, 7, 1, 1000, 200)],
    rankings: [ranking],
  });
  const [none] = (await offPolicyRates([logged(0, 9), logged(1, 8)], sure(0))).rates;
  expect(none).toMatchObject({ snips: null, seen: 0, effectiveImpressions: 0 });
  expect(none!.doublyRobust).toEqual({ mean: 0.2, low: 0.2, high: 0.2 });
  // A quarter of the draws is of the second anchor alone.
  const [some] = (await offPolicyRates([logged(0, 7), logged(1, 8)], sure(0))).rates;
  expect(some).toMatchObject({ snips: { mean: 0.2, low: 0.2, high: 0.2 }, seen: 0.5 });
});

test('what is not known of examination is in the interval', async () => {
  const world = exploringWorld({ lists: 60_000, share: 0.03, examined: 0.7, seed: 5 });
  const anchors = loggedAnchors(world, ordersOf(world, 'reversed', 1));
  const width = async (deviation: number) => {
    const [rate] = (
      await offPolicyRates(anchors, {
        examination: () => ({ eta: 0.7, deviation, error: 0 }),
        random: makeRandom(1),
        draws: 100,
      })
    ).rates;
    return rate!.doublyRobust.high - rate!.doublyRobust.low;
  };
  expect(await width(0.3)).toBeGreaterThan(1.5 * (await width(0)));
  // What was heard has as wide an error as the prior or a wider one, by itself: 1 / .2^2 - 1 / .25^2 < 1 / .25^2.
  expect(await width(0.2)).toBe(await width(0.25));
});

test('intervals hold what an order really gets in nine of ten worlds, and what it gets more than the served one', async () => {
  const WORLDS = 20;
  let [rate, difference] = [0, 0];
  for (let seed = 1; seed <= WORLDS; seed++) {
    // Few lists: the prior keeps exponents far below the truth.
    const world = exploringWorld({ lists: 20_000, share: 0.03, examined: 0.7, seed });
    const [served, better] = [ordersOf(world, 'serving', 1), ordersOf(world, 'better', 1)];
    const truth = [served, better].map((orders) => trueRate(world, orders, 0.7));
    const { rates, differences } = await offPolicyRates(loggedAnchors(world, served, better), {
      examination: fitExamination(world.pairs),
      random: makeRandom(1),
      draws: 100,
    });
    const { low, high } = rates[1]!.doublyRobust;
    rate += Number(low <= truth[1]! && truth[1]! <= high);
    const [gain] = differences;
    difference += Number(gain!.low <= truth[1]! - truth[0]! && truth[1]! - truth[0]! <= gain!.high);
  }
  expect(rate).toBeGreaterThanOrEqual(0.9 * WORLDS);
  expect(difference).toBeGreaterThanOrEqual(0.9 * WORLDS);
});

test('each placement has a logging of its own: what it finds is their mean, weighed by their views', async () => {
  // theta = 1, 1/2 in one and 1, 1/4 in the other; attractions .4, .2 in 600 views and .1, .4 in 300.
  const [exponents, views] = [
    { row: 1, column: 2 },
    { row: 600, column: 300 },
  ];
  const attractions = { row: [0.4, 0.2], column: [0.1, 0.4] };
  const order = [1, 0];
  const placements = ['row', 'column'] as const;
  const pairs = placements.flatMap((placement) =>
    attractions[placement].map((attraction, item) => {
      const clicks = views[placement] * attraction * (item + 1) ** -exponents[placement];
      return { ...seen(0, item, item + 1, views[placement], clicks), placement };
    }),
  );
  const wanted = placements.reduce((sum, placement) => {
    const rate = order.reduce(
      (own, item, k) => own + attractions[placement][item]! * (k + 1) ** -exponents[placement],
      0,
    );
    return sum + views[placement] * rate;
  }, 0);
  const examination = (placement = '') => ({ eta: exponents[placement as 'row'], deviation: 0, error: 0 });
  const [rate] = (await offPolicyRates([{ pairs, rankings: [order] }], { examination, random: makeRandom(3) })).rates;
  expect(rate!.doublyRobust.mean).toBeCloseTo(wanted / 900, 10);
  expect(rate!.seen).toBe(1);
});

test('of one placement estimates are what they were before there were any; intervals as wide as what was heard makes them', async () => {
  const world = exploringWorld({ lists: 20_000, share: 0.1, examined: 0.9, seed: 5 });
  const [served, other] = [ordersOf(world, 'serving', 1), ordersOf(world, 'random', 100)];
  const { rates, differences } = await offPolicyRates(loggedAnchors(world, served, other), {
    examination: fitExamination(world.pairs),
    random: makeRandom(1),
    draws: 50,
  });
  const near = (mean: number, low: number, high: number) => ({
    mean: expect.closeTo(mean, 10),
    low: expect.closeTo(low, 10),
    high: expect.closeTo(high, 10),
  });
  expect(rates[1]).toEqual({
    snips: near(0.18297990596916877, 0.16585540301856183, 0.2100117194611244),
    doublyRobust: near(0.1830717686529397, 0.16594083499608803, 0.20992859685441642),
    effectiveImpressions: expect.closeTo(108515.89832475815, 4),
    seen: 1,
  });
  expect(differences).toEqual([near(-0.025240709233976977, -0.04011041055456341, 0.0037838498292306066)]);
});
