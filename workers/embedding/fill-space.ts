import type { MissingOfProduct, MissingVector, Vector } from 'simili/internal/db/embeddings';
import type { Repositories } from 'simili/internal/db/repositories';
import type { Encoded, Encoder } from 'simili/internal/ports/encoder';
import { prefetched } from '../tools/prefetch.ts';

type Repos = Pick<Repositories, 'embeddings' | 'products'>;

const BATCH = 64;

/**
 * Gives every product that lacks it, or whose facts have changed, its vector of an encoder in the table of a version. While the
 * encoder has one batch, the next one is read and the one before is written. Stopped between batches it loses no finished one; run twice
 * it changes nothing.
 * @param only these products; null: all
 * @returns vectors written.
 */
export async function fillSpace(
  repositories: Repos,
  version: number,
  encoder: Encoder,
  signal: AbortSignal,
  onProgress: (written: number) => void = () => {},
  only: readonly string[] | null = null,
): Promise<number> {
  let written = 0;
  const keep = async (rows: readonly Vector[]) => {
    await repositories.embeddings.upsert(version, rows, encoder.space);
    written += rows.length;
    onProgress(written);
  };
  // One pass over the catalog after another: what arrives meanwhile is in the next one. What an encoder cannot look at stays
  // missing for ever: a pass of nothing else is the last.
  while (await pass(repositories, { version, encoder, only }, signal, keep)) signal.throwIfAborted();
  return written;
}

type Filling = { version: number; encoder: Encoder; only: readonly string[] | null };

/** Ends when all is written that it began to write, however it ends. @returns whether anything was encoded. */
async function pass(
  repositories: Repos,
  filling: Filling,
  signal: AbortSignal,
  keep: (rows: readonly Vector[]) => Promise<void>,
): Promise<boolean> {
  let found = false;
  let writing: Promise<void> = Promise.resolve();
  try {
    const missing = missingBatches(repositories, filling, signal);
    const encode = async (rows: readonly Missing[]): Promise<Vector[]> => {
      const encoded = await encodedOf(repositories, filling.encoder, rows, signal);
      return rows.flatMap(({ productId, contentHash }) => {
        const vector = encoded.get(productId);
        return vector === undefined ? [] : [{ productId, contentHash, vector }];
      });
    };
    for await (const rows of prefetched(missing, encode)) {
      if (rows.length === 0) continue;
      found = true;
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

/** Products without a vector, in id order and in batches. */
async function* missingBatches(
  { embeddings }: Repos,
  { version, encoder: { input, space, batch = BATCH }, only }: Filling,
  signal: AbortSignal,
): AsyncGenerator<Missing[], void> {
  for (let after: string | null = null; ; ) {
    signal.throwIfAborted();
    const missing: Missing[] =
      input === 'pictures'
        ? await embeddings.missing(version, batch, after, space.name, only)
        : await embeddings.missingOfProducts(version, space, batch, after, only);
    if (missing.length === 0) return;
    yield missing;
    after = missing.at(-1)!.productId;
  }
}
