import type { MissingOfProduct, MissingVector, Vector } from 'simili/internal/db/embeddings';
import type { Repositories } from 'simili/internal/db/repositories';
import type { Encoded, Encoder } from 'simili/internal/ports/encoder';
import { atOnce, type Paced } from '../tools/pace.ts';
import { prefetched } from '../tools/prefetch.ts';

type Repos = Pick<Repositories, 'embeddings' | 'products'>;
/** Where vectors are looked for and kept, and the pace between two batches. */
type Context = { readonly repositories: Repos } & Paced;

const BATCH = 64;

/**
 * Gives every product that lacks it, or whose facts have changed, its vector of an encoder in the table of a version. While the
 * encoder has one batch, the next one is read and the one before is written. Stopped between batches it loses no finished one; run twice
 * it changes nothing.
 * @param only these products; null: all
 * @returns vectors written.
 */
export async function fillSpace(
  context: Context,
  version: number,
  encoder: Encoder,
  signal: AbortSignal,
  onProgress: (written: number) => void = () => {},
  only: readonly string[] | null = null,
): Promise<number> {
  let written = 0;
  const keep = async (rows: readonly Vector[]) => {
    await context.repositories.embeddings.upsert(version, rows, encoder.space, encoder.input);
    written += rows.length;
    onProgress(written);
  };
  // One pass over the catalog after another, as long as much arrives meanwhile: a shop that writes all day would never be done, and the few
  // that came last wait in the queue. What an encoder cannot look at stays missing for ever.
  while ((await pass(context, { version, encoder, only }, signal, keep)) >= batchOf(encoder)) signal.throwIfAborted();
  return written;
}

type Filling = { version: number; encoder: Encoder; only: readonly string[] | null };

const batchOf = ({ batch = BATCH }: Encoder): number => batch;

/** Ends when all is written that it began to write, however it ends. @returns vectors of it. */
async function pass(
  { repositories, pace = atOnce }: Context,
  filling: Filling,
  signal: AbortSignal,
  keep: (rows: readonly Vector[]) => Promise<void>,
): Promise<number> {
  let found = 0;
  let writing: Promise<void> = Promise.resolve();
  try {
    const missing = missingBatches(repositories, filling, signal);
    const encode = async (rows: readonly Missing[]): Promise<Vector[]> => {
      await pace(signal);
      const encoded = await encodedOf(repositories, filling.encoder, rows, signal);
      return rows.flatMap(({ productId, contentHash }) => {
        const vector = encoded.get(productId);
        return vector === undefined ? [] : [{ productId, contentHash, vector }];
      });
    };
    for await (const rows of prefetched(missing, encode)) {
      if (rows.length === 0) continue;
      found += rows.length;
      await writing;
      writing = keep(rows);
      writing.catch(() => {}); // told by the next one, or at the end
    }
  } finally {
    await writing;
  }
  return found;
}

type Missing = MissingOfProduct | MissingVector;

/** Vectors of the encoder, by product; one that was deleted meanwhile is not asked about. */
async function encodedOf(
  { products }: Repos,
  encoder: Encoder,
  rows: readonly Missing[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Encoded>> {
  if (encoder.input === 'pictures') {
    const encoded = await encoder.encode(rows as MissingVector[], signal);
    return new Map(rows.map(({ productId }, i) => [productId, encoded[i]]));
  }
  const facts = await products.byIds(rows.map(({ productId }) => productId));
  const encoded = await encoder.encode(facts, signal);
  return new Map(facts.map(({ id }, i) => [id, encoded[i]]));
}

/** Products without a vector, in id order and in batches, of which the last one is short or empty. */
async function* missingBatches(
  { embeddings }: Repos,
  { version, encoder, only }: Filling,
  signal: AbortSignal,
): AsyncGenerator<Missing[], void> {
  const { input, space } = encoder;
  const batch = batchOf(encoder);
  for (let after: string | null = null; ; ) {
    signal.throwIfAborted();
    const missing: Missing[] =
      input === 'pictures'
        ? await embeddings.missing(version, batch, after, space.name, only)
        : await embeddings.missingOfProducts(version, space, batch, after, only);
    if (missing.length > 0) yield missing;
    if (missing.length < batch) return; // what comes behind it now is of the next pass
    after = missing.at(-1)!.productId;
  }
}
