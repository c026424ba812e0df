import type { ModelRow } from 'simili/internal/db/models';
import type { Repositories } from 'simili/internal/db/repositories';
import type { VectorIndexKind } from 'simili/internal/db/vector-storage';

/** Products that are embedded first, to find out by them; anchors among these, and how many neighbours of each are looked for. */
const SAMPLE = 10_000;
const ANCHORS = 50;
const NEAREST = 10;
/** Least recall@10 of float16 against float32. */
const LEAST_RECALL = 0.99;

/**
 * Two bytes for each number of a version's vectors where the database is quick with them and they find the same neighbours, else four: on a
 * sample, which is embedded here, ranked one by one. The version keeps what was chosen, and what its index will be of.
 * @param fill embeds products, and says how many vectors it wrote
 * @returns vectors written
 */
export async function chooseStorage(
  { vectorStorage }: Pick<Repositories, 'vectorStorage'>,
  model: Pick<ModelRow, 'id' | 'number' | 'dimensions' | 'metrics'>,
  fill: (ids: readonly string[]) => Promise<number>,
  signal: AbortSignal,
  index: VectorIndexKind = 'full',
): Promise<number> {
  if (!vectorStorage.isServer || (model.metrics as { storage?: object }).storage) return 0;
  const ids = await vectorStorage.sample(SAMPLE);
  const written = await fill(ids);
  const sum = { found: 0, looked: 0 };
  for (const id of ids.slice(0, ANCHORS)) {
    signal.throwIfAborted();
    const { found, looked } = await vectorStorage.recallOfHalves(model.number, id, NEAREST);
    sum.found += found;
    sum.looked += looked;
  }
  const recall = sum.looked === 0 ? 1 : sum.found / sum.looked;
  await vectorStorage.commit(model, recall >= LEAST_RECALL ? 'HALFVEC' : 'VECTOR', recall, index);
  return written;
}
