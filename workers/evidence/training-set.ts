import { isIn, splitOf, splits } from '@simili/learning/metrics/split';
import { type SeenColumns, type SeenPairs, SeenRows } from '@simili/learning/relevance/seen-pairs';
import type { Triplet } from '@simili/learning/sampling/triplet-rules';
import type { FeedbackRepository } from 'simili/internal/db/feedback';
import type { DayChoices, DayRange, PairStatistics } from 'simili/internal/db/feedback-days';
import type { ReadyImage } from 'simili/internal/db/images';
import type { Rating } from 'simili/internal/db/ratings';
import { SimiliError } from 'simili/internal/errors';
import { DEFAULT_PLACEMENT } from 'simili/internal/placement';
import type { WorkerContext } from '../context.ts';
import { isOfPicture } from '../pictures/unreadable.ts';
import type { TrainingRequest, TrainingSet } from '../training/protocol.ts';
import type { FeatureFiles } from './feature-files.ts';
import { firstJudgedDay } from './judged-days.ts';

export type ModelKind = TrainingRequest['kind'];
/**
 * Products with a decoded picture that a fit needs. Hand-made features compare from the first pair on; below twenty
 * products triplets teach a network nothing that a shopper would see.
 */
export const FEWEST_PRODUCTS: Readonly<Record<ModelKind, number>> = { GOLDEN: 2, NETWORK: 20 };
/**
 * Share of the decoded pictures that a training must be able to read: of a host that gives a few only nobody learns what the shop looks
 * like. A shop's first model makes do with what there is.
 */
const LEAST_READ: Readonly<Record<ModelKind, number>> = { GOLDEN: 0, NETWORK: 0.8 };
const PAGE = 500;

/** Data of a training, and the items' ids, which only the worker needs. */
export type CollectedSet = {
  set: TrainingSet;
  feedback: SeenColumns;
  ratings: Triplet[];
  ids: string[];
  /** First day (YYYY-MM-DD, UTC) that judges what is made of this, and of which nothing is in it. */
  judgedFrom: string;
};

/**
 * Catalog and feedback as training sees them: products with a decoded picture whose pixels are at hand, and what
 * shoppers did up to `until`, without the days that will judge it. Unreadable pictures are left out (and marked by the next embedding).
 * @param sides of the pixels that training reads
 * @param features where what was seen in the pictures is written to; null: nobody is asked
 * @param kind of the model: what is enough depends on it
 * @throws SimiliError PICTURES_MISSING, CATALOG_TOO_SMALL; CONFIGURATION_INVALID where the pixel cache cannot hold them all.
 */
export async function collectTrainingSet(
  { repositories, pictures }: Pick<WorkerContext, 'repositories' | 'pictures'>,
  until: Date,
  sides: readonly number[],
  signal: AbortSignal,
  kind: ModelKind = 'NETWORK',
  features: FeatureFiles | null = null,
): Promise<CollectedSet> {
  const columns = makeColumns();
  let ready = 0;
  let after: ReadyImage | null = null;
  do {
    signal.throwIfAborted();
    const page: ReadyImage[] = await repositories.images.readyPage(PAGE, after);
    const found = await Promise.all(
      page.map(({ contentHash, source }) =>
        pictures.ensure(contentHash, source, signal, sides).then(
          () => true,
          (error: unknown) => (isOfPicture(error) ? false : Promise.reject(error)),
        ),
      ),
    );
    ready += page.length;
    const readable = page.filter((_image, i) => found[i]);
    for (const image of features ? await features.add(readable, signal) : readable) columns.add(image);
    after = page.at(-1) ?? null;
  } while (after);
  signal.throwIfAborted();
  const { ids, set } = columns.finish(pictures.folders(sides));
  Object.assign(set, await features?.finish());
  checkRead(set.hashes.length / 32, ready, LEAST_READ[kind]);
  checkFits(set.hashes.length / 32, pictures.capacity(sides));
  const need = FEWEST_PRODUCTS[kind];
  if (ids.length < need) throw new SimiliError('CATALOG_TOO_SMALL', { have: ids.length, need });
  const { pairs, before: judgedFrom } = await seenPairs(repositories.feedback, until, ids, (days) => ({
    from: null,
    before: firstJudgedDay(days, until),
  }));
  const ratings = toTriplets(await repositories.ratings.upTo(until), ids)
    .filter(({ q, p, n }) => ![q, p, n].some((item) => isIn(set, item, 'test')))
    .map(({ q, p, n }) => ({ q: set.starts[q]!, p: set.starts[p]!, n: set.starts[n]! }));
  return { set, ids, feedback: pairs.columns, ratings, judgedFrom: judgedFrom! };
}

function checkRead(read: number, ready: number, least: number): void {
  if (read >= least * ready) return;
  const why = `a training reads ${ready} pictures again, and ${read} of them can be read; their hosts may want to be left alone for a while`;
  throw new SimiliError('PICTURES_MISSING', { why });
}

/** A training reads all its pictures again and again: pixels that were pruned meanwhile would end it in the middle. */
function checkFits(pictures: number, capacity: number): void {
  if (pictures <= capacity) return;
  const why = `training reads ${pictures} pictures, and the pixel cache holds ${capacity} of this size: raise SIMILI_PIXEL_CACHE_BYTES`;
  throw new SimiliError('CONFIGURATION_INVALID', { why });
}

/** Columns that grow picture by picture; pictures come in product order, so one of the last product is another of its views. */
export function makeColumns() {
  const [ids, starts, categories, parts]: [string[], number[], number[], number[]] = [[], [], [], []];
  const names = new Map<string, number>();
  let hashes = new Uint8Array(32 * PAGE);
  let pictures = 0;
  const numberOf = (category: string | undefined): number => {
    if (category === undefined) return -1;
    const known = names.get(category) ?? names.size;
    names.set(category, known);
    return known;
  };
  return {
    add({
      productId,
      categories: own,
      contentHash,
    }: Pick<ReadyImage, 'productId' | 'categories' | 'contentHash'>): void {
      if (ids.at(-1) !== productId) {
        ids.push(productId);
        starts.push(pictures);
        categories.push(numberOf(own.at(-1)));
        parts.push(splits.indexOf(splitOf(productId)));
      }
      if (hashes.length === 32 * pictures) {
        const more = new Uint8Array(2 * hashes.length);
        more.set(hashes);
        hashes = more;
      }
      hashes.set(Buffer.from(contentHash, 'hex'), 32 * pictures);
      pictures++;
    },
    finish: (pixels: TrainingSet['pixels']): { ids: string[]; set: TrainingSet } => ({
      ids,
      set: {
        starts: Int32Array.from([...starts, pictures]),
        hashes: hashes.slice(0, 32 * pictures),
        categories: Int32Array.from(categories),
        splits: Uint8Array.from(parts),
        pixels,
      },
    }),
  };
}

/** Answers of raters, as triplets of items; products that are gone teach nothing. */
export function toTriplets(ratings: readonly Rating[], ids: readonly string[]): Triplet[] {
  const indexOf = new Map(ids.map((id, i) => [id, i]));
  return ratings.flatMap(({ anchorId, positiveId, negativeId }) => {
    const [q, p, n] = [anchorId, positiveId, negativeId].map((id) => indexOf.get(id));
    return q === undefined || p === undefined || n === undefined ? [] : [{ q, p, n }];
  });
}

/** Feedback up to `until`, by items, and of which days it is; that about products that are gone teaches nothing. */
export async function seenPairs(
  { days }: Pick<FeedbackRepository, 'days'>,
  until: Date,
  ids: readonly string[],
  rangeOf?: (days: readonly DayChoices[]) => DayRange,
): Promise<{ pairs: SeenPairs } & DayRange> {
  const indexOf = new Map(ids.map((id, i) => [id, i]));
  const pairs = new SeenRows();
  const take = (page: PairStatistics[]) => {
    for (const { anchorId, itemId, placement, ...votes } of page) {
      const anchor = indexOf.get(anchorId);
      const item = indexOf.get(itemId);
      if (anchor === undefined || item === undefined) continue;
      pairs.add({ anchor, item, ...votes, ...(placement !== DEFAULT_PLACEMENT && { placement }) });
    }
  };
  const range = await days.read(until, take, rangeOf);
  return { pairs: pairs.finish(), ...range };
}
