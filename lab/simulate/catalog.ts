import type { Ask } from './client.ts';
import { concurrently } from './concurrently.ts';
import { type Features, featuresOf } from './features.ts';

/** A product and where its picture is; null: it has none. */
export type Pictured = { id: string; image: { url: string } | null };

const PRODUCTS = `query Catalog($after: String) { products(first: 50, after: $after) {
  totalCount nodes { id image { url } } pageInfo { hasNextPage endCursor } } }`;
type Page = {
  products: { totalCount: number; nodes: Pictured[]; pageInfo: { hasNextPage: boolean; endCursor: string | null } };
};

const AT_ONCE = 8;
const TIMEOUT_MS = 30_000;

export async function readProducts(ask: Ask, onProgress: (done: number, total: number) => void): Promise<Pictured[]> {
  const found: Pictured[] = [];
  for (let after: string | null = null; ; ) {
    const { products }: Page = await ask<Page>(PRODUCTS, { after });
    found.push(...products.nodes);
    onProgress(found.length, products.totalCount);
    if (!products.pageInfo.hasNextPage) return found;
    after = products.pageInfo.endCursor;
  }
}

/** Features by product id, in the products' order. A product whose picture cannot be fetched or read is left out. */
export async function readFeatures(
  products: readonly Pictured[],
  serverUrl: string,
  onDone: (done: number) => void,
): Promise<Map<string, Features>> {
  const read = async ({ image }: Pictured) => (image ? look(pictureUrl(serverUrl, image.url)) : null);
  const features = await concurrently(products, AT_ONCE, read, onDone);
  return new Map(products.flatMap(({ id }, i) => (features[i] ? [[id, features[i]] as const] : [])));
}

/** A path belongs to the server, below whatever path the server itself has behind a proxy. */
export const pictureUrl = (serverUrl: string, url: string): string => (url.startsWith('/') ? serverUrl + url : url);

async function look(url: string): Promise<Features | null> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    return response.ok ? await featuresOf(new Uint8Array(await response.arrayBuffer())) : null;
  } catch {
    return null; // counted by the caller, who knows how many there should be
  }
}
