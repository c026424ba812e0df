import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { parseArguments } from '../../cli/commands/simulate.ts';
import { pictureUrl } from '../../lab/simulate/catalog.ts';
import { isHeldOut } from '../../lab/simulate/held-out.ts';
import type { Simulation } from '../../lab/simulate/options.ts';
import { describeReport } from '../../lab/simulate/report.ts';
import { simulate } from '../../lab/simulate/run.ts';
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
    url: ['ftp://x', 'x'],
  };
  for (const [name, texts] of Object.entries(wrong)) {
    for (const text of texts) expect(() => parseArguments({ ...raw, [name]: text })).toThrow(`--${name} must be`);
  }
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
