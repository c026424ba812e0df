// @module-tag chromium
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  checkActions,
  checkCatalogAndFeedback,
  checkHistory,
  checkKeyboard,
  checkNoSidewaysScroll,
  checkTraining,
  checkWrongKey,
  eventsIn,
  type Look,
  lookAtListFor,
  type OpenPage,
  openBrowser,
  openPage,
  progressOf,
} from '../support/browser.ts';
import { FakeShop } from '../support/fake-shop.ts';
import { type FakeShopServer, serveFakeShop } from '../support/fake-shop-server.ts';

const KEY = 'fake-admin-key-0123456789';
const PATIENCE = { timeout: 60_000, interval: 50 };

let browser: Browser;
let shop: FakeShop;
let server: FakeShopServer;
beforeAll(async () => {
  browser = await openBrowser();
});
afterAll(() => browser.close());
beforeEach(async () => {
  shop = await new FakeShop().load();
  server = await serveFakeShop(shop, KEY);
});
afterEach(() => server[Symbol.asyncDispose]());

const open = (fragment = '', look: Look = {}): Promise<OpenPage> =>
  openPage(browser, `${server.url}/${fragment}`, look);
const status = (page: Page) => page.locator('#alike-status').textContent();
const tiles = (page: Page) => page.locator('#alike > li');
/** The page hears of it after the click, and until then the list is still looked at. */
async function leaveList(page: Page): Promise<void> {
  await page.locator('a.back').click();
  await tiles(page).first().waitFor({ state: 'hidden' });
}

describe('a visitor', () => {
  test('sees the catalog, opens a product, and what was seen and clicked is stored once', async () => {
    await using page = await open();
    await checkCatalogAndFeedback(page);
    const { stored } = shop;
    expect(stored.filter(({ kind }) => kind === 'impression')).toHaveLength(1);
    expect(stored.filter(({ kind }) => kind === 'click')).toHaveLength(1);
  });

  test('puts a similar product into the cart, says of another that it is not alike, once each', async () => {
    await using page = await open();
    await checkActions(page);
    expect(page.problems).toEqual([]);
  });

  test('needs no mouse', async () => {
    await using page = await open();
    await checkKeyboard(page);
    expect(page.problems).toEqual([]);
  });

  test('goes back to where he was, and can send a link to a product', async () => {
    await using page = await open();
    await checkHistory(page);
    expect(page.problems).toEqual([]);
  });

  test('on a phone 360 pixels wide never has to scroll sideways', async () => {
    await using page = await open('', { width: 360, height: 740 });
    await checkNoSidewaysScroll(page);
    expect(page.problems).toEqual([]);
  });

  test('never has to scroll sideways for a word that is longer than the page is wide, nor has an administrator', async () => {
    const word = 'W'.repeat(200);
    Object.assign(shop.products[0]!, { id: word, title: word, categories: [word] });
    Object.assign(shop.models[0]!, {
      encoderProblem: word,
      gates: [{ name: 'complete', passed: false, measured: true, reason: word }],
      listChanges: { anchors: 1, changed: 1, newShare: 1, examples: [{ anchorId: word, before: ['a'], after: ['b'] }] },
    });
    const at = new Date().toISOString();
    const job = { id: 'failed', kind: 'RETRAIN', state: 'FAILED', phase: 'TRAIN', progress: 0, attempts: 1, curve: [] };
    const error = { code: 'INTERNAL', message: word, retry: false };
    shop.jobs.push({ ...job, message: word, engine: word, error, requestedBy: 'admin', createdAt: at, updatedAt: at });
    await using open = await openPage(browser, `${server.url}/#item=${word}&admin=${KEY}`, { width: 360, height: 740 });
    const { page } = open;
    await expect.poll(() => page.locator('#item-facts').textContent(), PATIENCE).toContain(word);
    await page.locator('#models summary').first().click(); // the lists that changed most
    const beyond = `[document.documentElement, document.querySelector('#training')].map((one) => one.scrollWidth - one.clientWidth)`;
    expect(await page.evaluate(beyond)).toEqual([0, 0]);
    expect(open.problems).toEqual([]);
  });

  test('gets more of the catalog by scrolling, each product once', async () => {
    await using page = await open();
    const links = page.page.locator('#grid a');
    await expect.poll(() => links.count(), PATIENCE).toBeGreaterThanOrEqual(50);
    const first = await links.count();
    await page.page.evaluate('scrollTo(0, document.body.scrollHeight)');
    await expect.poll(() => links.count(), PATIENCE).toBeGreaterThan(first);
    const hrefs = (await page.page.evaluate(
      `[...document.querySelectorAll('#grid a')].map((link) => link.hash)`,
    )) as string[];
    expect(new Set(hrefs).size).toBe(hrefs.length);
  });

  test('is not counted as having seen what was in view for less than a second, or below the window', async () => {
    await using page = await open('#item=red-apple', { height: 500, frozen: true });
    await lookAtListFor(page.page, 900);
    await leaveList(page.page);
    await page.page.clock.runFor(60_000);
    expect(shop.stored).toEqual([]);
    await page.page.goBack();
    await lookAtListFor(page.page, 1100);
    await leaveList(page.page);
    await page.page.clock.runFor(1000); // what happens together travels together
    await expect.poll(() => shop.stored.length, PATIENCE).toBe(1);
    expect(shop.stored[0]?.itemIds?.length).toBeGreaterThan(0);
    expect(shop.stored[0]?.itemIds?.length).toBeLessThan(12);
  });

  test('loses no event to a server that is away: it is sent again under the same eventId', async () => {
    await using page = await open('#item=red-apple');
    const refused: string[] = [];
    await page.page.route('**/feedback', async (route) => {
      if (refused.length > 1) return route.continue();
      refused.push(...eventsIn(route.request().postData() ?? '').map(({ eventId }) => eventId));
      return route.abort();
    });
    await tiles(page.page).nth(2).getByRole('button', { name: 'Add to cart' }).click();
    await expect.poll(() => shop.stored.length, PATIENCE).toBe(1);
    expect(refused.length).toBeGreaterThan(1);
    expect(new Set([...refused, shop.stored[0]?.eventId]).size).toBe(1);
  });

  test('is heard out when he leaves the shop in the middle', async () => {
    await using page = await open('#item=red-apple');
    await lookAtListFor(page.page, 1400);
    await page.page.goto('about:blank');
    await expect.poll(() => shop.stored.map(({ kind }) => kind), PATIENCE).toEqual(['impression']);
  });

  test('has an eventId also on plain http, where crypto.randomUUID does not exist', async () => {
    await using page = await open();
    await page.page.addInitScript('delete Crypto.prototype.randomUUID');
    await page.page.goto(`${server.url}/?again#item=red-apple`);
    await tiles(page.page).first().getByRole('button', { name: 'Add to cart' }).click();
    await expect.poll(() => shop.stored.length, PATIENCE).toBe(1);
    expect(shop.stored[0]?.eventId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });
});

describe('the list', () => {
  test('says why it is empty, and appears by itself when the first model serves', async () => {
    shop.ready = false;
    shop.cold.add('green-apple');
    await using page = await open('#item=no-such-thing');
    await expect.poll(() => status(page.page), PATIENCE).toMatch(/no such product/);
    await page.page.goto(`${server.url}/#item=green-apple`);
    await expect.poll(() => status(page.page), PATIENCE).toMatch(/not been compared yet/);
    await page.page.goto(`${server.url}/#item=red-apple`);
    await expect.poll(() => status(page.page), PATIENCE).toMatch(/as soon as two products have a readable picture/);
    shop.ready = true;
    await expect.poll(() => tiles(page.page).count(), PATIENCE).toBe(12);
    expect(page.problems).toEqual([]);
  });

  test('says once that no model serves yet, however often it looks', async () => {
    shop.ready = false;
    await using page = await open('#item=red-apple');
    await expect.poll(() => status(page.page), PATIENCE).toMatch(/as soon as two products have a readable picture/);
    await page.page.evaluate(`globalThis.said = [];
      for (const one of document.querySelectorAll('#announcer, #alike-status'))
        new MutationObserver(() => said.push(one.textContent)).observe(one, { childList: true });`);
    await page.page.waitForResponse('**/graphql'); // it looked again
    shop.ready = true;
    await expect.poll(() => tiles(page.page).count(), PATIENCE).toBe(12);
    expect(await page.page.evaluate('said')).toEqual(['', '12 products look like this']);
  });

  test('comes with the name and picture of its product when the server is there again', async () => {
    await using page = await open();
    await page.page.locator('#grid a').first().waitFor();
    await page.page.route('**/graphql', (route) => route.abort());
    await page.page.goto(`${server.url}/?away#item=red-apple`);
    const again = page.page.getByRole('button', { name: 'Try again' }).last();
    await again.waitFor();
    await page.page.unroute('**/graphql');
    await again.click();
    await expect.poll(() => tiles(page.page).count(), PATIENCE).toBe(12);
    await expect.poll(() => page.page.locator('#item-title').textContent(), PATIENCE).toBe('Red apple');
    expect(await page.page.locator('#item-picture img').count()).toBe(1);
  });

  test('grows by a page, and starts anew when its cursor belongs to a retired model', async () => {
    await using page = await open('#item=red-apple');
    const next = page.page.getByRole('button', { name: 'Next page' });
    await next.click();
    await expect.poll(() => tiles(page.page).count(), PATIENCE).toBe(24);
    await expect.poll(() => page.page.locator('#alike .position').last().textContent(), PATIENCE).toBe('24');
    for (const model of shop.models) model.state = 'STANDBY';
    shop.models.push({ ...shop.models[0], id: 'another', number: 2, kind: 'NETWORK', state: 'ACTIVE' });
    await next.click();
    await expect.poll(() => page.page.locator('#alike-note').textContent(), PATIENCE).toMatch(/starts anew/);
    await expect.poll(() => tiles(page.page).count(), PATIENCE).toBe(12);
  });
});

describe('whoever has the admin key', () => {
  test('retrains, watches the curve grow, and sees the new model rank', async () => {
    await using page = await open(`#item=red-apple&admin=${KEY}`);
    const lengths = await page.page.getByLabel('How long to train a network').locator('option').allTextContents();
    expect(lengths.slice(0, 2)).toEqual(['Usual length', 'A network for 30 seconds']); // of a head none is read
    const next =
      'The next training comes by itself after 500 new choices of shoppers (12 so far) or 170 new pictures (3 so far).';
    await expect.poll(() => page.page.locator('#next-training').textContent(), PATIENCE).toBe(next);
    const facts =
      'Feedback of 7 days: 1234 events accepted, 3 NOT_IN_LIST rejected. 92.5 % of the lists that it is about say what was seen. ' +
      'In 28 days, of what shoppers saw of the model that serves they chose 4.1 % (3.5 % to 4.8 %).';
    await expect.poll(() => page.page.locator('#feedback-facts').textContent(), PATIENCE).toBe(facts);
    shop.trainsUpTo = 0.2;
    const onCurve = () => {
      shop.trainsUpTo = 1;
    };
    await checkTraining(page, { patienceMs: 60_000, onCurve });
    await expect.poll(() => page.page.locator('#sentence').textContent(), PATIENCE).toContain('Model 2 (trained)');
    const models = page.page.locator('#models > li');
    const seenBy = expect.stringContaining('Pictures seen by An eye (of a test), licence Apache-2.0');
    await expect.poll(() => models.allTextContents(), PATIENCE).toEqual([seenBy, seenBy]);
    await expect.poll(() => page.page.locator('#alike-note').textContent(), PATIENCE).toContain('Model 2');
  });

  test('sees why two products are alike, and nobody else is offered to', async () => {
    await using shopper = await open('#item=red-apple');
    await expect.poll(() => tiles(shopper.page).count(), PATIENCE).toBe(12);
    expect(await shopper.page.locator('.why').count()).toBe(0);
    await using page = await open(`#item=red-apple&admin=${KEY}`);
    const why = page.page.locator('.why').first();
    await why.locator('summary').click();
    const rows = why.locator('.why-parts p');
    await expect
      .poll(() => rows.allTextContents(), PATIENCE)
      .toEqual([
        'Colours100 % of 64 %',
        'Shapes50 % of 36 %',
        '31 visitors chose one beside the other, 29 clicked it, 21 bought it.',
      ]);
  });

  test('sees in how many lists a training changed what, and where most; and how far shoppers looked', async () => {
    const example = { anchorId: 'red-apple', before: ['pear', 'plum'], after: ['fig', 'pear'] };
    const place = { place: 2, law: 0.812, free: 0.74, low: 0.7, high: 0.78 };
    Object.assign(shop.models[0]!, {
      listChanges: { anchors: 100, changed: 87, newShare: 0.3125, examples: [example] },
      metrics: { examination: [{ placement: 'cart', apart: 1, places: [place] }] },
    });
    await using page = await open(`#admin=${KEY}`);
    const models = page.page.locator('#models > li');
    const line = 'In 100 lists, 31 % of the products are new; 87 lists changed';
    const looked =
      'How far shoppers look (cart): 1 of 1 places are not as expectedPlace 2: looked at 81 % as often as the first; 70 to 78 % by itself';
    await expect
      .poll(() => models.allTextContents(), PATIENCE)
      .toEqual([expect.stringContaining(`${line}Beside red-apple: 1 of 2 products are new${looked}`)]);
  });

  test('sees which gate stopped a model, also one that could not be measured', async () => {
    const reason = 'not measured: 4 held-out click triplets, 50 needed, which version 1 has';
    const gates = [...(shop.models[0]!.gates as object[]), { name: 'clicks', passed: false, measured: false, reason }];
    shop.models.push({ ...shop.models[0], id: 'second', number: 2, kind: 'NETWORK', state: 'REJECTED', gates });
    await using page = await open(`#admin=${KEY}`);
    const rejected = page.page.locator('#models > li[data-state=REJECTED] details');
    await expect
      .poll(() => rejected.locator('summary').textContent(), PATIENCE)
      .toBe('2 of 3 quality gates passed, 1 not measured');
    expect(await rejected.getAttribute('open')).not.toBeNull();
    expect(await rejected.locator('.failed').allTextContents()).toEqual([`✗ clicks: ${reason}`]);
  });

  test('sees what serves and can roll back behind many refused versions', async () => {
    const [first] = shop.models;
    shop.models.push({ ...first, id: 'second', number: 2, kind: 'NETWORK', state: 'STANDBY' });
    for (let number = 3; number <= 23; number++)
      shop.models.push({ ...first, id: `refused ${number}`, number, kind: 'NETWORK', state: 'REJECTED' });
    await using page = await open(`#admin=${KEY}`);
    await expect.poll(() => page.page.locator('#sentence').textContent(), PATIENCE).toContain('Model 1 (untrained)');
    await expect.poll(() => page.page.locator('#feedback-facts').textContent(), PATIENCE).toContain('they chose 4.1 %');
    await page.page.getByRole('button', { name: 'Roll back to model 2' }).click();
    await expect.poll(() => page.page.locator('#sentence').textContent(), PATIENCE).toContain('Model 2');
    expect(await page.page.locator('#models > li').count()).toBe(22);
  });

  test('reads on in what is unfolded while products get their vectors', async () => {
    await using page = await open(`#admin=${KEY}`);
    const model = page.page.locator('#models > li');
    await model.locator('summary').click();
    shop.models[0]!.embedded = 853;
    await expect.poll(() => model.textContent(), PATIENCE).toContain('853 products');
    expect(await model.locator('details').getAttribute('open')).not.toBeNull();
    expect(await page.page.evaluate('document.activeElement.localName')).toBe('summary');
  });

  test('sees that a model does without its encoder, and why', async () => {
    Object.assign(shop.models[0]!, { encoder: null, encoderProblem: 'it gives no numbers' });
    await using page = await open(`#admin=${KEY}`);
    const models = page.page.locator('#models > li');
    const without = expect.stringContaining('Without its encoder: it gives no numbers');
    await expect.poll(() => models.allTextContents(), PATIENCE).toEqual([without]);
  });

  test('keeps watching over a lost connection', async () => {
    shop.trainsUpTo = 0.5;
    await using page = await open(`#admin=${KEY}`);
    await page.page.getByRole('button', { name: 'Retrain' }).click();
    const progress = () => progressOf(page.page);
    await expect.poll(progress, PATIENCE).toBeGreaterThan(0.1);
    server.cutStreams();
    const before = await progress();
    shop.trainsUpTo = 1;
    await expect.poll(progress, PATIENCE).toBeGreaterThan(before);
    await expect.poll(() => page.page.locator('#job').getAttribute('data-state'), PATIENCE).toBe('SUCCEEDED');
  });

  test('cancels a training, and rolls back to the model before', async () => {
    shop.models.push({ ...shop.models[0], id: 'second', number: 2, kind: 'NETWORK', state: 'STANDBY' });
    shop.trainsUpTo = 0.5;
    await using page = await open(`#admin=${KEY}`);
    await page.page.getByRole('button', { name: 'Retrain' }).click();
    await page.page.getByRole('button', { name: 'Cancel' }).click();
    await expect.poll(() => page.page.locator('#job-title').textContent(), PATIENCE).toBe('Training was cancelled');
    await page.page.getByRole('button', { name: 'Roll back to model 2' }).click();
    await expect.poll(() => page.page.locator('#sentence').textContent(), PATIENCE).toContain('Model 2');
    expect(page.problems).toEqual([]);
  });

  test('sees a rollback while a training runs, on the page where it was asked for and on any other', async () => {
    shop.models.push({ ...shop.models[0], id: 'second', number: 2, kind: 'NETWORK', state: 'STANDBY' });
    shop.trainsUpTo = 0.5;
    await using mine = await open(`#admin=${KEY}`);
    await using theirs = await open(`#admin=${KEY}`);
    await theirs.page.getByRole('button', { name: 'Retrain' }).click();
    for (const { page } of [mine, theirs])
      await expect.poll(() => page.locator('#job').getAttribute('data-state'), PATIENCE).toBe('RUNNING');
    await theirs.page.getByRole('button', { name: 'Roll back to model 2' }).click();
    for (const { page } of [mine, theirs])
      await expect.poll(() => page.locator('#sentence').textContent(), PATIENCE).toContain('Model 2');
    expect(await mine.page.locator('#job').getAttribute('data-state')).toBe('RUNNING');
  });

  test('follows a training that somebody else has started', async () => {
    shop.trainsUpTo = 0.5;
    await using mine = await open(`#admin=${KEY}`);
    await using theirs = await open(`#admin=${KEY}`);
    await theirs.page.getByRole('button', { name: 'Retrain' }).click();
    await mine.page.getByRole('button', { name: 'Retrain' }).click();
    await expect.poll(() => mine.page.locator('#job').getAttribute('data-state'), PATIENCE).toBe('RUNNING');
    shop.trainsUpTo = 1;
    await expect.poll(() => mine.page.locator('#job').getAttribute('data-state'), PATIENCE).toBe('SUCCEEDED');
    expect(shop.jobs).toHaveLength(1);
  });

  test('opens the address with the key once more while a training runs, and goes on watching', async () => {
    shop.trainsUpTo = 0.5;
    await using page = await open(`#admin=${KEY}`);
    await page.page.getByRole('button', { name: 'Retrain' }).click();
    await expect.poll(() => progressOf(page.page), PATIENCE).toBeGreaterThan(0.1);
    await page.page.evaluate(`location.hash = 'admin=${KEY}'`);
    shop.trainsUpTo = 1;
    await expect.poll(() => page.page.locator('#job').getAttribute('data-state'), PATIENCE).toBe('SUCCEEDED');
    expect(page.problems).toEqual([]);
  });

  test('is told when the key is a wrong one', async () => {
    await using page = await open();
    await checkWrongKey(page);
  });
});
