import type { PairStatistics } from '../src/db/feedback.ts';
import type { ReadyImage } from '../src/db/images.ts';
import { SimiliError } from '../src/errors.ts';
import type { SeenPair } from '../src/learning/relevance.ts';
import { splitOf } from '../src/learning/split.ts';
import type { WorkerContext } from './context.ts';
import type { TrainingItem } from './training/protocol.ts';

/** Below this neither whitening nor triplets mean anything. */
export const FEWEST_PRODUCTS = 20;
const PAGE = 500;

/**
 * Catalog and feedback as training sees them: products with a decoded picture whose pixels are at hand, and what
 * shoppers did up to `until`. Unreadable pictures are left out (and marked by the next embedding).
 * @throws SimiliError CATALOG_TOO_SMALL.
 */
export async function collectTrainingSet(
  { repositories, pictures }: Pick<WorkerContext, 'repositories' | 'pictures'>,
  until: Date,
  signal: AbortSignal,
): Promise<{ items: TrainingItem[]; feedback: SeenPair[] }> {
  const items: TrainingItem[] = [];
  let after: ReadyImage | null = null;
  do {
    signal.throwIfAborted();
    const page: ReadyImage[] = await repositories.images.readyPage(PAGE, after);
    const paths = await Promise.all(
      page.map((image) => pictures.ensure(image.contentHash, image.source, signal).catch(() => null)),
    );
    for (const [i, image] of page.entries()) addPicture(items, image, paths[i] ?? null);
    after = page.at(-1) ?? null;
  } while (after);
  if (items.length < FEWEST_PRODUCTS)
    throw new SimiliError('CATALOG_TOO_SMALL', { have: items.length, need: FEWEST_PRODUCTS });
  return { items, feedback: toIndices(await repositories.feedback.statistics(until), items) };
}

/** Pictures come in product order: one of the last item's product is another view of it. */
function addPicture(items: TrainingItem[], { productId, categories }: ReadyImage, path: string | null): void {
  if (!path) return;
  const last = items.at(-1);
  if (last?.id === productId) last.pictures.push(path);
  else items.push({ id: productId, category: categories.at(-1) ?? null, split: splitOf(productId), pictures: [path] });
}

/** Feedback about products that are gone teaches nothing. */
export function toIndices(statistics: readonly PairStatistics[], items: readonly { id: string }[]): SeenPair[] {
  const indexOf = new Map(items.map(({ id }, i) => [id, i]));
  return statistics.flatMap(({ anchorId, itemId, position, impressions, clicks, value }) => {
    const anchor = indexOf.get(anchorId);
    const item = indexOf.get(itemId);
    return anchor === undefined || item === undefined ? [] : [{ anchor, item, position, impressions, clicks, value }];
  });
}
