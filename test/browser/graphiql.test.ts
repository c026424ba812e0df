// @module-tag chromium
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestApi, testApi } from '../support/api.ts';
import { openBrowser, openPage } from '../support/browser.ts';
import { addProducts } from '../support/fixtures.ts';

let browser: Browser;
let api: TestApi;
beforeAll(async () => {
  [browser, api] = await Promise.all([openBrowser(), testApi({ NODE_ENV: '' })]);
  await addProducts(api.database, [{ id: 'red-mug' }]);
});
afterAll(async () => {
  await browser.close();
  await api[Symbol.asyncDispose]();
});

test('GraphiQL at /graphql knows the contract and gets an answer, under its policy and without another host', async () => {
  await using opened = await openPage(browser, `${api.server.url}/graphql`);
  const { page, problems } = opened;
  await page.getByRole('button', { name: /Execute query/ }).click();
  const answer = page.locator('.result-window');
  await expect.poll(() => answer.textContent()).toContain('red-mug');
  await page.getByRole('button', { name: 'Show Documentation Explorer' }).click();
  await page.getByRole('link', { name: 'SimilarItemConnection' }).first().waitFor();
  expect(problems).toEqual([]);
});
