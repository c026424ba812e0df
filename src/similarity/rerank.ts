import type { Neighbour } from '../db/search/repository.ts';
import type { ProductRow } from '../db/sql/product-row.ts';
import { inTime } from '../deadline.ts';
import { SimiliError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Reranker } from '../ports/reranker.ts';
import type { Telemetry } from '../ports/telemetry.ts';

/** Candidates that a reranker gets at once where it does not say. */
const CANDIDATES = 50;
const TIMEOUT_MS = 50;

export const candidatesOf = ({ candidates = CANDIDATES }: Reranker): number => candidates;

type Found = Pick<Neighbour, 'product'> & { readonly score: number };
type Deps = { reranker: Reranker; log: Pick<Log, 'error'>; telemetry: Telemetry };

/**
 * Neighbours in the shop's own order. Where the reranker fails, in the order of the search, unless it is required.
 * @throws SimiliError EXTENSION_FAILED
 */
export async function reranked<T extends Found>(
  { reranker, log, telemetry }: Deps,
  query: ProductRow,
  found: readonly T[],
): Promise<T[]> {
  if (found.length === 0) return [];
  try {
    const facts = { reranker: reranker.name, candidates: found.length };
    return await telemetry.span('simili.rerank', facts, async () =>
      ordered(found, await askInTime(reranker, query, found)),
    );
  } catch (error) {
    log.error({ err: error, reranker: reranker.name }, 'the reranker failed');
    telemetry.count('simili.extension_failures', 1, { extension: `reranker ${reranker.name}` });
    if (!reranker.required) return [...found];
    throw new SimiliError('EXTENSION_FAILED', { what: `reranker ${reranker.name}` });
  }
}

async function askInTime(reranker: Reranker, query: ProductRow, found: readonly Found[]): Promise<unknown> {
  const { timeoutMs = TIMEOUT_MS } = reranker;
  const stop = new AbortController();
  const late = () => new Error(`it took over ${timeoutMs} ms`);
  const candidates = found.map(({ product, score }) => ({ product, score }));
  const asked = Promise.resolve(reranker.rerank(query, candidates, stop.signal));
  // `inTime` throws what this gives, whatever it is.
  return inTime(asked, { clientLeft: null, ms: timeoutMs, error: late as never }, () => stop.abort(late()));
}

/** @throws Error where the answer names what was not found, or something twice. */
function ordered<T extends Found>(found: readonly T[], ids: unknown): T[] {
  if (!Array.isArray(ids)) throw new TypeError('it gave no list of ids');
  const left = new Map(found.map((one) => [one.product.id, one]));
  return ids.map((id) => {
    const one = left.get(id);
    if (!one) throw new RangeError(`it gave ${JSON.stringify(id)}, which is no candidate, or is there twice`);
    left.delete(id);
    return one;
  });
}
