import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { type Look, openBrowser, openPage } from '../test/support/open-page.ts';

/** Picture to take: a view of the page, on a screen. */
type Shot = { name: string; fragment: string; look: Look; prepare?: (page: Page) => Promise<void> };

/**
 * Pictures of the page for readers, as PNG files.
 * @param item id of a product that makes a good example
 * @param duringTraining how long to let a training run before its picture is taken, milliseconds
 */
async function takeScreenshots(
  browser: Browser,
  url: string,
  folder: string,
  { item, adminKey, duringTraining }: { item: string; adminKey: string; duringTraining: number },
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const phone = { width: 390, height: 844 };
  const fragment = `#item=${encodeURIComponent(item)}`;
  const retrain = async (page: Page) => {
    await page.getByRole('button', { name: 'Retrain' }).click();
    await page.waitForTimeout(duringTraining);
  };
  const shots: Shot[] = [
    { name: 'catalog', fragment: '', look: {} },
    { name: 'similar', fragment, look: {} },
    { name: 'similar-dark', fragment, look: { dark: true } },
    { name: 'phone', fragment, look: { ...phone, dark: true } },
    {
      name: 'training',
      fragment: `${fragment}&admin=${adminKey}`,
      look: { width: 1440, height: 900 },
      prepare: retrain,
    },
  ];
  for (const { name, fragment: at, look, prepare } of shots) {
    await using open = await openPage(browser, `${url}/${at}`, look);
    await open.page
      .locator(at.includes('item') ? '#alike img' : '#grid img')
      .first()
      .waitFor();
    await open.page.waitForLoadState('networkidle', { timeout: 5000 }).catch(() => {}); // a running job's stream never falls idle
    await prepare?.(open.page);
    await open.page.screenshot({ path: join(folder, `${name}.png`) });
  }
}

// npx tsx scripts/screenshots.ts <url> <admin key>: the pictures of docs/images, from a running server with the demo catalog.
const [url, adminKey] = process.argv.slice(2);
if (!url || !adminKey) throw new Error('Give the address of a running server and its admin key');
const browser = await openBrowser();
await takeScreenshots(browser, url, 'docs/images', { item: 'red-apple', adminKey, duringTraining: 20_000 });
await browser.close();
