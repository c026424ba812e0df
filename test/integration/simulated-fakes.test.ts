import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { makeAsk } from '../../lab/simulate/client.ts';
import { nothingSent, sendVisitors } from '../../lab/simulate/crowd.ts';
import { openFarm } from '../../lab/simulate/farm.ts';
import { quarantinedOf } from '../../lab/simulate/found.ts';
import { usualHabits } from '../../lab/simulate/shopper.ts';
import { makeRandom } from '../../learning/numbers/random.ts';
import { ADMIN_KEY, testApi } from '../support/api.ts';
import { addModel, addProducts } from '../support/fixtures.ts';

const PRODUCTS = 60;

test('simulated bots are found by the rules of a real shop once their day is over, and no simulated shopper is', async () => {
  await using api = await testApi({ SIMILI_QUERY_RATE: '0', SIMILI_FEEDBACK_RATE: '0', SIMILI_ADMIN_RATE: '0' });
  const { storage, repositories } = api.database;
  const ids = Array.from({ length: PRODUCTS }, (_, i) => `p${i}`);
  await addProducts(
    api.database,
    ids.map((id) => ({ id })),
  );
  const angle = (i: number) => (2 * Math.PI * i) / PRODUCTS;
  await addModel(
    api.database,
    Object.fromEntries(ids.map((id, i) => [id, [Math.cos(angle(i)), Math.sin(angle(i)), 0, 0, 0]])),
  );
  const ask = makeAsk({ url: `${api.server.url}/graphql` });
  const market = { ask, filter: null, shown: ids };
  const farm = await openFarm(market, 'p7', makeRandom(1));
  expect(farm.anchors.length).toBeGreaterThanOrEqual(20); // a list has the 24 nearest of a circle

  const liking = (anchor: string, item: string) =>
    ((Number(anchor.slice(1)) * 31 + Number(item.slice(1)) * 17) % 100) / 100;
  const run = randomUUID();
  const total = nothingSent();
  const place = {
    ...market,
    anchors: ids,
    shown: () => true,
    standing: liking,
    habits: usualHabits,
    stamp: { now: () => new Date(), newId: () => randomUUID() as string },
    run,
    seed: 3,
    from: 0,
    shares: { bots: 0.067, farm: 0.034 }, // one of each kind
    farm,
    dwellMs: 1000, // what the rule of haste asks of shoppers
  };
  await sendVisitors(place, 60, total, () => {});
  expect(total).toMatchObject({ accepted: total.sent, rejected: 0, duplicates: total.sentAgain });

  const admin = makeAsk({ url: `${api.server.url}/admin/graphql`, key: ADMIN_KEY });
  const { days } = repositories.feedback;
  await days.rollUp(new Date());
  expect(Object.values(await quarantinedOf(admin, run)).every((count) => count === 0)).toBe(true); // the day is not over
  await storage.prisma.$executeRaw`
    UPDATE simili.feedback_event SET received_at = received_at - interval '2 days', listed_at = listed_at - interval '2 days',
      occurred_at = occurred_at - interval '2 days'`;
  await days.rollUp(new Date());
  expect(await quarantinedOf(admin, run)).toEqual({
    shopper: 0,
    crawler: 1,
    hasty: 1,
    replayer: 1,
    blind: 1,
    pusher: 1,
    spreader: 0, // by no rule
  });
  const rules = await repositories.quarantines.newest(50, null, null);
  const ruleOf = (role: string) => new Set(rules.flatMap((row) => (row.visitorId!.includes(role) ? [row.rule] : [])));
  expect(['crawler', 'hasty', 'replayer', 'blind', 'pusher'].map((role) => [...ruleOf(role)])).toEqual([
    ['rate'],
    ['haste'],
    ['replay'],
    ['unseen'],
    ['push'],
  ]);
});
