import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { parseArguments } from '../../cli/commands/simulate.ts';
import { pictureUrl } from '../../lab/simulate/catalog.ts';
import { describeVisitors, whoIsFound } from '../../lab/simulate/found.ts';
import { isHeldOut } from '../../lab/simulate/held-out.ts';
import type { Simulation } from '../../lab/simulate/options.ts';
import { describeReport } from '../../lab/simulate/report.ts';
import { simulate } from '../../lab/simulate/run.ts';
import { isPopular } from '../../lab/simulate/shopper.ts';
import { builtFile } from '../support/built.ts';
import { type FakeShop, KEY, openFakeShop, quietly } from '../support/simulated-shop.ts';

const options = (shop: FakeShop, more: Partial<Simulation> = {}): Simulation => ({
  url: shop.url,
  adminKey: KEY,
  shoppers: 40,
  taste: 'colour',
  seed: 1,
  heldOut: 0.3,
  trainSeconds: undefined,
  retrains: 0,
  anchors: 6,
  fakes: { bots: 0, farm: 0 },
  push: null,
  purchasesOnly: false,
  trustBias: 0,
  popularity: 0,
  seasons: 1,
  ...more,
});

test('the whole loop: a ranking that learned from the clicks agrees better with the hidden taste', async () => {
  await using shop = await openFakeShop({ products: 90 });
  const { around, lines } = quietly();
  const report = await simulate(options(shop, { trainSeconds: 7, anchors: 120 }), around);

  expect(report.before).toMatchObject({ model: 'model-1' });
  expect(Math.abs(report.before.agreement - 0.5)).toBeLessThan(0.08);
  expect(report.after).toMatchObject({ model: 'model-2' });
  expect(report.after!.agreement).toBeGreaterThan(0.8);
  expect(report.difference!.mean).toBeCloseTo(report.after!.agreement - report.before.agreement, 10);
  expect(report.difference!.low).toBeGreaterThan(0.2);
  expect(report.promoted).toBe(true);
  expect(shop.seen.retrains).toEqual([{ reason: 'simulate', seconds: 7 }]);
  expect(report.events).toMatchObject({ sent: shop.events.size, accepted: shop.events.size, rejected: 0 });
  expect(report.events.duplicates).toBe(report.events.sentAgain);
  expect(lines.join('\n')).toContain('Promoted: model-2');
  expect(`${lines.join('\n')}\n${describeReport(report)}`.match(/Before:|After:/g)).toEqual(['Before:', 'After:']);
  expect(describeReport(report)).toMatch(
    /Difference: \+\d+\.\d points .*\n.*--shoppers 0.*\n.*say nothing about people/,
  );
});

test('trainings that come by themselves: shoppers come until each begins, every one is measured and the clicks add up', async () => {
  await using shop = await openFakeShop({ products: 60, retrainClicks: 15 });
  const { around, lines } = quietly();
  const report = await simulate(options(shop, { shoppers: 8, retrains: 2 }), around);

  expect(shop.seen.retrains).toEqual([]);
  expect(report.retrains.map(({ model }) => model)).toEqual(['model-2', 'model-3']);
  const [first, second] = report.retrains;
  expect(first!.gain.low).toBeGreaterThan(0.2);
  expect(second!.gain).toEqual({ mean: 0, low: 0, high: 0 });
  expect(first!.clicks).toBeGreaterThanOrEqual(15);
  expect(second!.clicks).toBeGreaterThanOrEqual(first!.clicks + 15);
  expect(second!.seconds).toBeGreaterThanOrEqual(0);
  expect(report.after).toMatchObject({ model: 'model-3', agreement: second!.agreement });
  const visitors = [...shop.events.values()].map(({ visitor }) => Number(visitor.split('-').at(-1)));
  expect(Math.max(...visitors)).toBeGreaterThanOrEqual(8); // nobody comes twice
  expect(report.events).toMatchObject({ sent: shop.events.size, accepted: shop.events.size });
  expect(lines.join('\n')).toMatch(
    /begun by the server itself[\s\S]*Training 1: .* until it served[\s\S]*Training 2: /,
  );
});

test('a server that counts its choices seldom is waited for', async () => {
  await using shop = await openFakeShop({ products: 60, retrainClicks: 30, countsEvery: 100 });
  const report = await simulate(options(shop, { shoppers: 8, retrains: 1 }), quietly().around);
  expect(report.retrains).toMatchObject([{ model: 'model-2' }]);
});

test('without shoppers the trainings are asked for: the control', async () => {
  await using shop = await openFakeShop({ products: 60 });
  const report = await simulate(options(shop, { shoppers: 0, retrains: 2 }), quietly().around);
  expect(shop.seen.retrains).toHaveLength(2);
  expect(report.retrains).toMatchObject([
    { promoted: false, seconds: null, clicks: 0, gain: { mean: 0 } },
    { promoted: false, seconds: null, clicks: 0, gain: { mean: 0 } },
  ]);
});

test('a server that trains only when it is asked is said to, and so is one whose shoppers choose nothing', async () => {
  await using asked = await openFakeShop({ products: 60 });
  const simulation = { shoppers: 2, retrains: 1 };
  await expect(simulate(options(asked, simulation), quietly().around)).rejects.toThrow(
    '--retrains SIMILI_RETRAIN_PAUSE_MINUTES is 0',
  );
  expect(asked.events.size).toBe(0);
  await using idle = await openFakeShop({ products: 60, retrainClicks: 1000, refuses: true });
  await expect(simulate(options(idle, simulation), quietly().around)).rejects.toThrow(
    'choose nothing new, and 1000 choices',
  );
});

test('every shopper is a visitor of its own; some pages lie deeper; some calls are repeated and count once', async () => {
  await using shop = await openFakeShop({ products: 90 });
  const { around } = quietly();
  const { events } = await simulate(options(shop, { adminKey: undefined, shoppers: 120 }), around);
  const sent = [...shop.events.values()];
  expect(new Set(sent.map(({ visitor }) => visitor)).size).toBe(120);
  expect(
    sent
      .filter(({ kind }) => kind === 'impression')
      .some((e) => shop.lists.get(e.recommendationId)!.firstPosition > 24),
  ).toBe(true);
  expect(new Set(sent.map(({ kind }) => kind))).toEqual(new Set(['impression', 'click', 'addToCart']));
  expect(events.sentAgain).toBeGreaterThan(0);
  expect(events.duplicates).toBe(events.sentAgain);
  const first = sent.find(({ kind }) => kind === 'click')!;
  const impressions = sent.filter((e) => e.kind === 'impression' && e.recommendationId === first.recommendationId);
  expect(impressions.flatMap(({ itemIds }) => itemIds)).toContain(first.itemIds[0]);
});

test('the same seed sends the same shopping', async () => {
  const shopping = async (seed: number) => {
    await using shop = await openFakeShop({ products: 60 });
    await simulate(options(shop, { adminKey: undefined, seed, shoppers: 15 }), quietly().around);
    return [...shop.events.values()]
      .map(({ kind, itemIds, visitor, recommendationId }) =>
        [Number(visitor.split('-').at(-1)), kind, shop.lists.get(recommendationId)!.anchor, ...itemIds].join(' '),
      )
      .sort();
  };
  const [one, again, other] = [await shopping(5), await shopping(5), await shopping(6)];
  expect(again).toEqual(one);
  expect(other).not.toEqual(one);
});

test('without a key it stops after sending, says how to go on and never asks the admin API', async () => {
  await using shop = await openFakeShop({ products: 60 });
  const report = await simulate(options(shop, { adminKey: undefined, shoppers: 3 }), quietly().around);
  expect(report).toMatchObject({ after: null, difference: null, promoted: null });
  expect(describeReport(report)).toMatch(/--admin-key/);
  expect(shop.seen.adminKeys.size).toBe(0);
});

test('where only purchases are reported nothing else comes but impressions, and they teach', async () => {
  await using shop = await openFakeShop({ products: 60 });
  const { promoted, retrains } = await simulate(options(shop, { purchasesOnly: true }), quietly().around);
  const kinds = [...shop.events.values()].map(({ kind }) => kind);
  expect(new Set(kinds)).toEqual(new Set(['impression', 'purchase']));
  expect(retrains[0]!.clicks).toBe(kinds.filter((kind) => kind === 'purchase').length);
  expect(promoted).toBe(true);
});

test('who trusts a list clicks its first place whatever it shows, and the tenth a tenth as often', async () => {
  await using shop = await openFakeShop({ products: 60 });
  await simulate(options(shop, { adminKey: undefined, shoppers: 200, trustBias: 1 }), quietly().around);
  const places = [...shop.events.values()].flatMap(({ kind, recommendationId, itemIds: [item] }) => {
    const { items, firstPosition } = shop.lists.get(recommendationId)!;
    return kind === 'click' ? [firstPosition + items.indexOf(item!)] : [];
  });
  expect(places.filter((place) => place === 1).length).toBeGreaterThanOrEqual(190);
  expect(places.filter((place) => place === 10).length).toBeLessThan(30);
});

test('a popular product is clicked whatever it stands beside', async () => {
  await using shop = await openFakeShop({ products: 60 });
  await simulate(options(shop, { adminKey: undefined, shoppers: 200, popularity: 1 }), quietly().around);
  const firsts = [...shop.events.values()].flatMap(({ kind, recommendationId, itemIds }) => {
    const { items, firstPosition } = shop.lists.get(recommendationId)!;
    return firstPosition === 1 && itemIds.includes(items[0]!) ? [{ kind, item: items[0]! }] : [];
  });
  const popular = firsts.filter(({ item }) => isPopular(item));
  const ofKind = (kind: string) => popular.filter((one) => one.kind === kind).length;
  expect(ofKind('impression')).toBeGreaterThan(0);
  expect(ofKind('click')).toBe(ofKind('impression'));
});

test('each season has a training, and is measured by its own taste', async () => {
  await using shop = await openFakeShop({ products: 60 });
  const { around, lines } = quietly();
  const report = await simulate(options(shop, { seasons: 3, anchors: 120 }), around);
  expect(report.retrains.map(({ season }) => season)).toEqual([1, 2, 3]);
  // The shop ranks by colour after the first training and stays there; the taste goes on to shapes.
  expect(report.retrains[0]!.agreement).toBeGreaterThan(0.8);
  expect(report.retrains[2]!.agreement).toBeLessThan(report.retrains[0]!.agreement - 0.1);
  expect(report.after!.agreement).toBe(report.retrains[2]!.agreement);
  expect(lines.join('\n')).toContain('Training 2, season 2 of 3: ');
  for (const [more, why] of [
    [{ seasons: 3, retrains: 2 }, '--seasons must be at most the 2'],
    [{ seasons: 2, taste: 'colour=1,shape=1' }, '--seasons needs a --taste'],
  ] as const)
    await expect(simulate(options(shop, more), quietly().around)).rejects.toThrow(why);
});

test('bots and a farm come in their shares, and the report tells how many of whom are in quarantine', async () => {
  await using shop = await openFakeShop({ products: 90 });
  const fakes = { bots: 0.1, farm: 0.05 };
  const report = await simulate(options(shop, { adminKey: undefined, shoppers: 80, fakes }), quietly().around);
  expect(report.visitors).toMatchObject({ came: { shoppers: 68, bots: 8, farm: 4 }, quarantined: null });
  expect(describeReport(report)).toContain('Visitors: 68 shoppers, 8 bots, 4 of the farm');
  expect(report.events).toMatchObject({ accepted: report.events.sent, rejected: 0 });
  const of = (role: string) => [...shop.events.values()].filter(({ visitor }) => visitor.includes(`-${role}-`));
  expect(new Set(of('blind').map(({ kind }) => kind))).toEqual(new Set(['click']));
  expect([...shop.events.values()].flatMap(({ itemIds }) => itemIds).filter((id) => isHeldOut(id, 0.3))).toEqual([]);
  const { pushed } = report.farm!;
  for (const role of ['pusher', 'spreader']) {
    const clicks = of(role).filter(({ kind }) => kind === 'click');
    expect(clicks.filter(({ itemIds }) => itemIds[0] === pushed).length).toBeGreaterThan(clicks.length / 2);
  }

  const visitors = [...new Set([...shop.events.values()].map(({ visitor }) => visitor))];
  const first = (role: string) => visitors.find((id) => id.includes(`-${role}-`))!;
  shop.quarantined.push(first('crawler'), first('crawler'), first('hasty'), first('shopper'), 'somebody else');
  const { run } = report.visitors;
  const endpoint = { url: shop.url, adminKey: KEY };
  const found = await whoIsFound(`${run}:68:8:4`, endpoint);
  expect(found.quarantined).toEqual({ shoppers: 1, bots: 2, farm: 0 });
  expect(describeVisitors(found)).toBe('In quarantine: 1 of 68 shoppers, 2 of 8 bots, 0 of 4 of the farm');
  await expect(whoIsFound('yesterday', endpoint)).rejects.toThrow('--found must be what');
  await expect(whoIsFound(`${run}:1:1:1`, { ...endpoint, adminKey: undefined })).rejects.toThrow(
    '--found needs the key',
  );
  await expect(whoIsFound(`${run}:1:1:1`, { ...endpoint, adminKey: 'x' })).rejects.toThrow(
    '--admin-key is not the key',
  );
});

test('a farm is told where its product stood before and after the training', async () => {
  await using shop = await openFakeShop({ products: 90 });
  const farm = { fakes: { bots: 0, farm: 0.1 }, shoppers: 40 };
  const report = await simulate(options(shop, farm), quietly().around);
  const { pushed, exposure } = report.farm!;
  expect(shop.ids).toContain(pushed);
  expect(exposure.before).toBeGreaterThan(0);
  expect(exposure.after).not.toBe(exposure.before);
  expect(describeReport(report)).toMatch(/Pushed: p\d+, exposure \d+\.\d\d before, \d+\.\d\d now \(\d+\.\d\d times\)/);
  const named = await simulate(options(shop, { ...farm, push: pushed, adminKey: undefined }), quietly().around);
  expect(named.farm).toMatchObject({ pushed, exposure: { after: null } });
  await expect(simulate(options(shop, { ...farm, push: 'nobody' }), quietly().around)).rejects.toThrow('--push names');
});

test('a training that is on its way is waited for, then one of our own is asked for', async () => {
  await using shop = await openFakeShop({ products: 60, busy: true });
  const { around, lines } = quietly();
  const report = await simulate(options(shop, { shoppers: 10 }), around);
  expect(lines.join('\n')).toMatch(/Waiting for job job-1[\s\S]*Training: job job-2/);
  expect(report.promoted).toBe(true);
});

test('a version that is not promoted is a result, not a failure', async () => {
  await using shop = await openFakeShop({ products: 60, rejected: true });
  const report = await simulate(options(shop, { shoppers: 10 }), quietly().around);
  expect(report).toMatchObject({
    promoted: false,
    after: { model: 'model-1' },
    difference: { mean: 0, low: 0, high: 0 },
  });
  expect(describeReport(report)).toContain('(not promoted)');
});

test('a server that breaks now and then is asked again', async () => {
  await using shop = await openFakeShop({ products: 60, brokenEvery: 17 });
  const report = await simulate(options(shop, { shoppers: 10 }), quietly().around);
  expect(report.events.rejected).toBe(0);
  expect(report.events.accepted).toBe(report.events.sent);
});

test('what is wrong is one sentence: no server, wrong key, empty catalog, failed training, nothing held out', async () => {
  await using shop = await openFakeShop({ products: 60 });
  await using empty = await openFakeShop({ products: 0 });
  await using failing = await openFakeShop({ products: 60, trainingFails: true });
  const run = (more: Partial<Simulation>, on = shop) =>
    simulate(options(on, { shoppers: 2, ...more }), quietly().around);
  await expect(run({ url: 'http://127.0.0.1:9' })).rejects.toMatchObject({
    code: 'SERVER_UNREACHABLE',
    message: expect.stringContaining('http://127.0.0.1:9'),
  });
  await expect(run({ url: `${shop.url}/nowhere` })).rejects.toMatchObject({
    code: 'SERVER_REFUSED',
    message: expect.stringContaining('404'),
  });
  await expect(run({ adminKey: 'wrong' })).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    message: expect.stringContaining('--admin-key is not the key'),
  });
  expect(shop.events.size).toBe(0);
  await expect(run({}, empty)).rejects.toMatchObject({ code: 'CATALOG_TOO_SMALL' });
  await expect(run({}, failing)).rejects.toMatchObject({
    code: 'SERVER_REFUSED',
    message: expect.stringContaining('TRAINING_DIVERGED: lost its way'),
  });
  await expect(run({ heldOut: 0.01 })).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    message: expect.stringContaining('--held-out'),
  });
});

test('the command prints one JSON object with --json and nothing else on stdout', async () => {
  await using shop = await openFakeShop({ products: 60 });
  const args = [builtFile('cli/main'), 'simulate', '--url', shop.url, '--shoppers', '10', '--json', '--admin-key', KEY];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args);
  const report = JSON.parse(stdout);
  expect(report).toMatchObject({
    taste: 'colour',
    shoppers: 10,
    before: { model: 'model-1' },
    after: { model: 'model-2' },
  });
  expect(report.events.accepted).toBe(shop.events.size);
  expect(stderr).toContain('Catalog: 60 products');
});

const raw = {
  shoppers: '10',
  taste: 'colour',
  url: 'http://x:1/shop/',
  seed: '1',
  'held-out': '0.3',
  'admin-key': KEY,
  'train-seconds': undefined,
  retrains: '0',
  anchors: '120',
  bots: '0',
  farm: '0',
  'purchases-only': false,
  'trust-bias': '0',
  popularity: '0',
  seasons: '1',
};

test('arguments are checked by name', () => {
  expect(parseArguments(raw)).toMatchObject({
    url: 'http://x:1/shop',
    shoppers: 10,
    heldOut: 0.3,
    trainSeconds: undefined,
    adminKey: KEY,
  });
  const wrong = {
    shoppers: ['-1', '2.5', '', 'many'],
    seed: ['x'],
    'held-out': ['0', '1'],
    'train-seconds': ['4', '90000'],
    retrains: ['-1', '1.5'],
    anchors: ['2', 'all'],
    bots: ['-0.1', '2'],
    farm: ['1.1', 'x'],
    'trust-bias': ['2', ''],
    popularity: ['-1', 'all'],
    seasons: ['0', '1.5'],
    url: ['ftp://x', 'x'],
  };
  for (const [name, texts] of Object.entries(wrong)) {
    for (const text of texts) expect(() => parseArguments({ ...raw, [name]: text })).toThrow(`--${name} must be`);
  }
});

test('fakes leave room for each other, and only a farm pushes', () => {
  expect(parseArguments({ ...raw, bots: '0.2', farm: '0.1', push: 'p1' })).toMatchObject({
    fakes: { bots: 0.2, farm: 0.1 },
    push: 'p1',
  });
  expect(() => parseArguments({ ...raw, bots: '0.6', farm: '0.5' })).toThrow('--farm must leave room');
  expect(() => parseArguments({ ...raw, push: 'p1' })).toThrow('--push needs a --farm');
});

test('a picture path belongs to the server, an absolute address stays', () => {
  expect(pictureUrl('http://x:1/shop', '/images/7')).toBe('http://x:1/shop/images/7');
  expect(pictureUrl('http://x:1', 'https://cdn.example/a.png')).toBe('https://cdn.example/a.png');
});

test('about the asked share is held out, and a larger share holds out the same products and more', () => {
  const ids = Array.from({ length: 40_000 }, (_, i) => `sku-${i}`);
  const held = ids.filter((id) => isHeldOut(id, 0.3));
  expect(held.length / ids.length).toBeCloseTo(0.3, 1.5);
  expect(held.every((id) => isHeldOut(id, 0.4))).toBe(true);
});
