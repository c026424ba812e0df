import { openBrowser } from '../test/support/open-page.ts';
import { driveViews } from '../test/support/page-views.ts';
import { openStorefront } from '../test/support/storefront.ts';

/** Events that @simili/client took and the database has not, or has twice, over page views of a real browser that meet trouble (docs/storefront.md). */
export async function client({ views }: { views: number }): Promise<Record<string, string | number>[]> {
  const browser = await openBrowser();
  try {
    await using shop = await openStorefront();
    return await driveViews(browser, shop, views);
  } finally {
    await browser.close();
  }
}
