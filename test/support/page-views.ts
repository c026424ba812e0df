import type { Browser, BrowserContext, Page } from 'playwright-core';
import type { TestApi } from './api.ts';
import type { Storefront } from './storefront.ts';

/** Troubles that a page view meets. Each begins with a page that shows a list, and ends with a page that is closed right after its clicks. */
export const TROUBLES = [
  'none',
  'offline', // from the clicks on
  'no storage', // as in some private windows
  'blocked', // every request with events, and beacons
  'answers lost', // the server stores, and nobody hears
  'two tabs', // of one browser, which click at the same time
  'server away', // answers 503
] as const;
export type Trouble = (typeof TROUBLES)[number];

export type Tally = {
  trouble: Trouble;
  views: number;
  /** Events that the page was told to be kept, or on their way where nothing can be kept. */
  events: number;
  /** Events of these that the database has not. */
  lost: number;
  /** Rows beyond one an action. */
  double: number;
  /** Views whose page was gone within `QUICK_MS` after its clicks; the others took longer on a busy machine. */
  closedQuickly: number;
};

const CLICKS = 2;
const MOST_SHOPPERS = 4;
const QUICK_MS = 100;
/** Runs in the page. Each click is about another product of the list. @returns ids of the events, and when that was */
const CLICK = `({ ids: shop.list.nodes.slice(0, ${CLICKS}).map(({ id }) => shop.client.click(id, shop.list)), at: Date.now() })`;

/**
 * Drives page views of a few shoppers, each with another trouble in turn, then lets every shopper come back once without any, and looks what the
 * database has.
 */
export async function driveViews(browser: Browser, shop: Storefront, views: number): Promise<Tally[]> {
  const tallies = TROUBLES.map((trouble) => ({ trouble, views: 0, events: 0, lost: 0, double: 0, closedQuickly: 0 }));
  const clicked = new Map<string, Tally>();
  const count = Math.min(MOST_SHOPPERS, Math.ceil(views / TROUBLES.length / 2));
  const shoppers = await Promise.all(Array.from({ length: count }, () => browser.newContext()));
  for (let round = 0, done = 0; done < views; round++) {
    const tally = tallies[round % TROUBLES.length] as Tally;
    const context = shoppers[Math.floor(round / TROUBLES.length) % count] as BrowserContext;
    const pages = await openPages(context, shop.url, tally.trouble);
    const { ids, quick } = await clickAndClose(context, pages, tally.trouble);
    for (const id of ids) clicked.set(id, tally);
    tally.views += pages.length;
    tally.closedQuickly += quick;
    done += pages.length;
  }
  await Promise.all(shoppers.map((context) => comeBack(context, shop.url)));
  await lookUp(shop.api, clicked);
  await Promise.all(shoppers.map((context) => context.close()));
  return tallies;
}

async function openPages(context: BrowserContext, url: string, trouble: Trouble): Promise<Page[]> {
  const pages = await Promise.all(Array.from({ length: trouble === 'two tabs' ? 2 : 1 }, () => context.newPage()));
  for (const page of pages) {
    await prepare(page, trouble);
    await page.goto(url);
    await page.evaluate('shop.ready');
  }
  return pages;
}

/** A page's own fetch for events, in the page: what Playwright intercepts is not what leaves with the end of a page. */
const FETCHING: Partial<Record<Trouble, string>> = {
  blocked: `Promise.reject(new TypeError('Failed to fetch'))`,
  'answers lost': `real(url, request).then(() => { throw new TypeError('Failed to fetch'); })`,
  'server away': `Promise.resolve(new Response('away', { status: 503 }))`,
};

async function prepare(page: Page, trouble: Trouble): Promise<void> {
  const fetching = FETCHING[trouble];
  if (fetching)
    await page.addInitScript(`const real = fetch;
      globalThis.fetch = (url, request) => (url.endsWith('/feedback') ? ${fetching} : real(url, request));`);
  if (trouble === 'blocked') await page.addInitScript('Navigator.prototype.sendBeacon = () => false');
  if (trouble === 'no storage')
    await page.addInitScript(`Object.defineProperty(globalThis, 'localStorage', {
      get() { throw new DOMException('denied', 'SecurityError'); } })`);
}

async function clickAndClose(
  context: BrowserContext,
  pages: Page[],
  trouble: Trouble,
): Promise<{ ids: string[]; quick: number }> {
  if (trouble === 'offline') await context.setOffline(true);
  const closed = await Promise.all(
    pages.map(async (page) => {
      const { ids, at } = (await page.evaluate(CLICK)) as { ids: string[]; at: number };
      await page.close();
      return { ids, took: Date.now() - at };
    }),
  );
  if (trouble === 'offline') await context.setOffline(false);
  return { ids: closed.flatMap(({ ids }) => ids), quick: closed.filter(({ took }) => took <= QUICK_MS).length };
}

/** The next page of a shopper sends what is left over. */
async function comeBack(context: BrowserContext, url: string): Promise<void> {
  const [page] = await openPages(context, url, 'none');
  await page?.evaluate('shop.client.flush()');
  if ((await page?.evaluate('shop.delivery.waiting')) !== 0)
    throw new Error('events wait although nothing is in their way');
}

async function lookUp(api: TestApi, clicked: ReadonlyMap<string, Tally>): Promise<void> {
  const rows = await api.database.storage.prisma.feedbackEvent.findMany();
  const stored = new Set(rows.map(({ eventId }) => eventId));
  const actions = new Map<string, Tally | undefined>();
  for (const [id, tally] of clicked) {
    tally.events++;
    if (!stored.has(id)) tally.lost++;
  }
  for (const { eventId, listId, itemIds } of rows) {
    const action = `${listId} ${itemIds}`;
    const tally = clicked.get(eventId) ?? actions.get(action);
    if (tally && actions.has(action)) tally.double++;
    actions.set(action, tally);
  }
}
