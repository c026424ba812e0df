import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import { lookAtListFor, type OpenPage } from './open-page.ts';

export { eventsIn, type Look, lookAtListFor, type OpenPage, openBrowser, openPage } from './open-page.ts';

const PATIENCE = { timeout: 60_000, interval: 50 };

const catalogLinks = (page: Page) => page.locator('#grid a.tile');
const alikeLinks = (page: Page) => page.locator('#alike a.tile');
const idIn = (link: string | null) => decodeURIComponent((link ?? '').replace('#item=', ''));
/** Runs in the page. Ids of the similar items of which at least half is in the window. */
const IDS_IN_VIEW = `[...document.querySelectorAll('#alike > li')].filter((tile) => {
  const { top, height } = tile.getBoundingClientRect();
  return Math.min(innerHeight, top + height) - Math.max(0, top) >= height / 2;
}).map((tile) => decodeURIComponent(tile.querySelector('a').hash.replace('#item=', '')))`;

/** The catalog shows, a click shows what looks alike, and what was seen and clicked reaches the server, once each. */
export async function checkCatalogAndFeedback({ page, sent, problems }: OpenPage): Promise<void> {
  await catalogLinks(page).first().waitFor();
  expect(await catalogLinks(page).count()).toBeGreaterThanOrEqual(12);
  const anchor = idIn(await catalogLinks(page).nth(3).getAttribute('href'));
  await catalogLinks(page).nth(3).click();
  await alikeLinks(page).nth(5).waitFor();
  expect(await page.locator('#alike .score').allTextContents()).toSatisfy(areFallingPercents);
  expect(await page.locator('#alike .position').allTextContents()).toEqual(await oneToN(alikeLinks(page)));

  const seen = (await page.evaluate(IDS_IN_VIEW)) as string[];
  expect(seen.length).toBeGreaterThan(0);
  await lookAtListFor(page, 1500); // longer than an impression takes
  const clicked = idIn(await alikeLinks(page).nth(1).getAttribute('href'));
  const before = sent.length;
  expect(sent.filter(({ kind }) => kind === 'click')).toEqual([]);
  await alikeLinks(page).nth(1).click();
  await expect.poll(() => sent.find(({ kind }) => kind === 'click'), PATIENCE).toMatchObject({ itemId: clicked });
  expect(before).toBeLessThanOrEqual(1);

  const [impression, ...others] = sent.filter(({ kind }) => kind === 'impression');
  const click = sent.find(({ kind }) => kind === 'click');
  expect(others).toEqual([]);
  expect(impression?.itemIds?.toSorted()).toEqual(seen.toSorted());
  expect(impression?.itemIds).not.toContain(anchor);
  expect(click?.recommendationId).toBe(impression?.recommendationId);
  expect(click?.eventId).not.toBe(impression?.eventId);
  await expect.poll(() => page.url(), PATIENCE).toContain(`#item=${encodeURIComponent(clicked)}`);
  expect(problems).toEqual([]);
}

const oneToN = async (tiles: ReturnType<typeof alikeLinks>) =>
  Array.from({ length: await tiles.count() }, (_, i) => String(i + 1));

function areFallingPercents(texts: string[]): boolean {
  const values = texts.map((text) => Number(/^(\d{1,3}\.\d) %$/.exec(text)?.[1]));
  return values.length > 5 && values.every((value, i) => value >= 0 && value <= (values[i - 1] ?? 100));
}

/** "Add to cart" and "Not like this" send one event each, however often they are pressed. */
export async function checkActions({ page, sent }: OpenPage): Promise<void> {
  await catalogLinks(page).first().click();
  const tiles = page.locator('#alike > li');
  await tiles.nth(1).waitFor();
  await tiles.nth(0).getByRole('button', { name: 'Add to cart' }).click();
  await tiles.nth(1).getByRole('button', { name: 'Not like this' }).click();
  await tiles.nth(1).getByRole('button', { name: 'Noted' }).press('Enter');
  await expect
    .poll(() => sent.map(({ kind }) => kind).filter((kind) => kind !== 'impression'), PATIENCE)
    .toEqual(['addToCart', 'dismiss']);
  const [cart, dismissed] = sent.filter(({ kind }) => kind !== 'impression');
  expect(cart?.itemId).toBe(idIn(await alikeLinks(page).nth(0).getAttribute('href')));
  expect(dismissed?.itemId).toBe(idIn(await alikeLinks(page).nth(1).getAttribute('href')));
}

/** From the address to a product, to a similar one, to an action on it, without a mouse. */
export async function checkKeyboard({ page, sent }: OpenPage): Promise<void> {
  await catalogLinks(page).first().waitFor();
  await page.keyboard.press('Tab');
  await expect.poll(() => focused(page), PATIENCE).toBe('Skip to the products');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await alikeLinks(page).first().waitFor();
  await tabTo(page, /^Add to cart/);
  await page.keyboard.press('Enter');
  await expect.poll(() => focused(page), PATIENCE).toMatch(/^In the cart/);
  await expect.poll(() => sent.map(({ kind }) => kind), PATIENCE).toContain('addToCart');
  const opened = page.url();
  await tabTo(page, /alike$/);
  await page.keyboard.press('Enter');
  await expect.poll(() => page.url(), PATIENCE).not.toBe(opened);
  await expect.poll(() => sent.map(({ kind }) => kind), PATIENCE).toContain('click');
}

const focused = (page: Page) =>
  page.evaluate(
    `(document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent).trim()`,
  ) as Promise<string>;

async function tabTo(page: Page, name: RegExp): Promise<void> {
  for (let presses = 0; presses < 40; presses++) {
    await page.keyboard.press('Tab');
    if (name.test(await focused(page))) return;
  }
  throw new Error(`No Tab stop ${name}; the last one is ${await focused(page)}`);
}

/** Product after product and back again, to the place in the catalog where the way began; a link opens a product. */
export async function checkHistory({ page }: OpenPage): Promise<void> {
  await catalogLinks(page).first().waitFor();
  const link = catalogLinks(page).nth(20);
  await link.scrollIntoViewIfNeeded();
  await page.evaluate('scrollTo(0, 300)');
  const scrolled = await page.evaluate('scrollY');
  const name = await link.locator('.name').textContent();
  await link.click();
  const title = page.locator('#item-title');
  await expect.poll(() => title.textContent(), PATIENCE).toBe(name);
  const address = page.url();
  await alikeLinks(page).first().click();
  await expect.poll(() => title.textContent(), PATIENCE).not.toBe(name);
  await page.goBack();
  await expect.poll(() => title.textContent(), PATIENCE).toBe(name);
  await page.goBack();
  await link.waitFor();
  await expect.poll(() => page.locator('#item').isVisible(), PATIENCE).toBe(false);
  await expect.poll(() => page.evaluate('scrollY'), PATIENCE).toBe(scrolled);
  await page.goto('about:blank');
  await page.goto(address);
  await expect.poll(() => title.textContent(), PATIENCE).toBe(name);
}

/** Nothing sticks out to the side, in any of the three views. */
export async function checkNoSidewaysScroll({ page }: OpenPage): Promise<void> {
  const excess = () => page.evaluate('document.documentElement.scrollWidth - innerWidth');
  await catalogLinks(page).first().waitFor();
  expect(await excess()).toBeLessThanOrEqual(0);
  await catalogLinks(page).first().click();
  await alikeLinks(page).first().waitFor();
  expect(await excess()).toBeLessThanOrEqual(0);
  await page.getByRole('button', { name: /^Training/ }).click();
  expect(await excess()).toBeLessThanOrEqual(0);
}

/** Says that a key is wrong, and asks for another. `use` a page without a key. */
export async function checkWrongKey({ page }: OpenPage): Promise<void> {
  await page.getByRole('button', { name: /^Training/ }).click();
  await page.getByLabel('Admin key').fill('surely-not-the-admin-key');
  await page.getByRole('button', { name: 'Use it' }).click();
  await expect.poll(() => page.locator('#key-problem').textContent(), PATIENCE).toMatch(/not the admin key/);
  expect(await page.locator('#desk').isVisible()).toBe(false);
}

export type TrainingCheck = {
  /** As the select on the page offers it; '' for the configured one. */ seconds?: string;
  patienceMs?: number;
  /** Called when the curve has begun. */
  onCurve?: () => void;
};

/**
 * Opened with `#admin=<key>`: Retrain starts a job, progress and loss curve grow, and the job ends well. The sentence at
 * the top, which names the active model, follows by a request of its own: poll for it.
 */
export async function checkTraining(
  { page, problems }: OpenPage,
  { seconds = '', patienceMs = 15_000, onCurve = () => {} }: TrainingCheck = {},
): Promise<void> {
  const patience = { timeout: patienceMs, interval: 100 };
  await page.locator('#desk').waitFor();
  await expect.poll(() => page.url(), PATIENCE).not.toContain('admin');
  await page.getByLabel('How long to train').selectOption(seconds);
  await page.getByRole('button', { name: 'Retrain' }).click();
  await expect.poll(() => page.locator('#job').getAttribute('data-state'), patience).toMatch(/RUNNING|QUEUED/);
  await expect.poll(() => curvePoints(page), patience).toBeGreaterThan(2);
  const points = await curvePoints(page);
  onCurve();
  await expect.poll(() => curvePoints(page), patience).toBeGreaterThan(points);
  expect(await progressOf(page)).toBeGreaterThan(0);
  await expect.poll(() => page.locator('#job').getAttribute('data-state'), patience).toBe('SUCCEEDED');
  expect(problems).toEqual([]);
}

/** Progress of the job that is shown, 0 to 1. */
export const progressOf = (page: Page) =>
  page.evaluate(`document.getElementById('job-progress').value`) as Promise<number>;

async function curvePoints(page: Page): Promise<number> {
  const line = page.locator('#job-curve .line');
  if ((await line.count()) === 0) return 0;
  return ((await line.getAttribute('points')) ?? '').split(' ').length;
}
