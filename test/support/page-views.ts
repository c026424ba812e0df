import { setTimeout as sleep } from 'node:timers/promises';
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
  /** Views whose page was hidden for good within `QUICK_MS` of its first click, by its own clock. */
  closedQuickly: number;
  /** Longest such time, ms. */
  slowestMs: number;
};
/** Note that a page wrote down of itself. `took`: ms from its first click to its end; null: it was not told that it ended. */
type Note = { ids: string[]; took: number | null };

const CLICKS = 2;
const MOST_SHOPPERS = 4;
const QUICK_MS = 100;
/** When the browser is told to close a page, ms after it was told to click: before anything is sent, or while it is. */
const CLOSING_MS = [0, 5, 20, 40];
const NOTE = 'note of a view ';
/**
 * Runs in each page before its own scripts: the page itself takes the time from its clicks to its end, for what a harness hears comes a busy machine's
 * round trips later. It is written down where it finds its way out also when the page's own scripts find no storage.
 */
const CLICKING = `{
  const notes = localStorage;
  globalThis.clickAll = (view) => {
    const begun = performance.now();
    const ids = shop.list.nodes.slice(0, ${CLICKS}).map(({ id }) => shop.client.click(id, shop.list));
    const note = (took) => notes.setItem('${NOTE}' + view, JSON.stringify({ ids, took }));
    note(null);
    addEventListener('pagehide', () => note(performance.now() - begun));
  };
}`;

/**
 * Drives page views of a few shoppers, each with another trouble in turn, then lets every shopper come back once without any, and looks what the
 * database has.
 */
export async function driveViews(browser: Browser, shop: Storefront, views: number): Promise<Tally[]> {
  const tallies = TROUBLES.map((trouble) => ({
    trouble,
    views: 0,
    events: 0,
    lost: 0,
    double: 0,
    closedQuickly: 0,
    slowestMs: 0,
  }));
  const count = Math.min(MOST_SHOPPERS, Math.ceil(views / TROUBLES.length / 2));
  const shoppers = await Promise.all(Array.from({ length: count }, () => browser.newContext()));
  /** By the number of the view. */
  const met: Tally[] = [];
  for (let round = 0; met.length < views; round++) {
    const tally = tallies[round % TROUBLES.length] as Tally;
    const turn = Math.floor(round / TROUBLES.length);
    const context = shoppers[turn % count] as BrowserContext;
    const pages = await openPages(context, shop.url, tally.trouble);
    if (tally.trouble === 'offline') await context.setOffline(true);
    const first = met.length;
    met.push(...pages.map(() => tally));
    await Promise.all(
      pages.map((page, i) => clickAndClose(page, first + i, CLOSING_MS[(turn + i) % CLOSING_MS.length]!)),
    );
    if (tally.trouble === 'offline') await context.setOffline(false);
  }
  const clicked = new Map<string, Tally>();
  for (const context of shoppers) {
    for (const [view, note] of await comeBack(context, shop.url)) tell(met[view] as Tally, note, clicked);
  }
  await lookUp(shop.api, clicked);
  await Promise.all(shoppers.map((context) => context.close()));
  return tallies;
}

function tell(tally: Tally, { ids, took }: Note, clicked: Map<string, Tally>): void {
  for (const id of ids) clicked.set(id, tally);
  tally.views += 1;
  tally.closedQuickly += took !== null && took <= QUICK_MS ? 1 : 0;
  tally.slowestMs = Math.max(tally.slowestMs, Math.ceil(took ?? Number.POSITIVE_INFINITY));
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
  await page.addInitScript(CLICKING);
  const fetching = FETCHING[trouble];
  if (fetching)
    await page.addInitScript(`const real = fetch;
      globalThis.fetch = (url, request) => (url.endsWith('/feedback') ? ${fetching} : real(url, request));`);
  if (trouble === 'blocked') await page.addInitScript('Navigator.prototype.sendBeacon = () => false');
  if (trouble === 'no storage')
    await page.addInitScript(`Object.defineProperty(globalThis, 'localStorage', {
      get() { throw new DOMException('denied', 'SecurityError'); } })`);
}

/** Settles when the page is gone. Nobody waits for what its clicks answer, as no shopper does. */
async function clickAndClose(page: Page, number: number, closingMs: number): Promise<void> {
  const clicked = page.evaluate(`clickAll(${number})`).catch(() => {});
  if (closingMs > 0) await sleep(closingMs);
  await page.close(); // as a tab's cross does: handlers of the page's end run
  await clicked;
}

/** The next page of a shopper sends what is left over, and knows what the ones before did. */
async function comeBack(context: BrowserContext, url: string): Promise<[number, Note][]> {
  const [page] = (await openPages(context, url, 'none')) as [Page];
  await page.evaluate('shop.client.flush()');
  if ((await page.evaluate('shop.delivery.waiting')) !== 0)
    throw new Error('events wait although nothing is in their way');
  const notes = (await page.evaluate(`Object.entries(localStorage).filter(([key]) => key.startsWith('${NOTE}'))`)) as [
    string,
    string,
  ][];
  return notes.map(([key, note]) => [Number(key.slice(NOTE.length)), JSON.parse(note)]);
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
