import { googleAtom, googleRss, googleText } from './google.ts';
import { akeneo, jsonArray, spreadsheet } from './others.ts';
import type { ShopCatalog } from './sheet.ts';
import { newShopify, shopify } from './shopify.ts';
import { germanWooCommerce, wooCommerce } from './woocommerce.ts';

/** Ten catalogs as shops export them, of 1,000 rows and more each, in their formats and with their faults. */
export const shopCatalogs = (): ShopCatalog[] =>
  [
    shopify,
    newShopify,
    wooCommerce,
    germanWooCommerce,
    googleText,
    googleRss,
    googleAtom,
    akeneo,
    jsonArray,
    spreadsheet,
  ].map((make) => make());
