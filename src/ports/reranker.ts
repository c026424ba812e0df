import { SimiliError } from '../errors.ts';
import type { ProductFacts } from './encoder.ts';

/** A product that the search found. */
export type Candidate = {
  readonly product: ProductFacts;
  /** Likeness to the query, 0 to 1. */
  readonly score: number;
};

/** A shop's own rule after the search: it puts what was found in another order, or leaves some of it out. */
export type Reranker = {
  /** For the log and for traces. */
  readonly name: string;
  /** Candidates that it gets at once, 50 to 200; default 50. A list is put in order by so many: the first 50, the next 50, … */
  readonly candidates?: number;
  /** Milliseconds that it may take; default 50. What computes without a pause cannot be interrupted. */
  readonly timeoutMs?: number;
  /**
   * Whether a list that it fails on is an error, EXTENSION_FAILED. Default false: the list is shown in the order of the search, and
   * the log says why.
   */
  readonly required?: boolean;
  /**
   * @param query the product that the list is asked for
   * @param candidates nearest first; one or more
   * @param signal aborts when its time is over, and when the shopper's is
   * @returns ids of candidates, each once at most, in the order to be shown. What it leaves out is not shown. The same for the same
   * candidates, or the pages of a list repeat and lose products.
   */
  rerank(
    query: ProductFacts,
    candidates: readonly Candidate[],
    signal: AbortSignal,
  ): readonly string[] | Promise<readonly string[]>;
};

/** @throws SimiliError CONFIGURATION_INVALID */
export function checkReranker({ name, candidates = 50, timeoutMs = 50, rerank }: Reranker): void {
  const refuse = (why: string): never => {
    throw new SimiliError('CONFIGURATION_INVALID', { why: `The reranker ${JSON.stringify(name)} ${why}` });
  };
  if (typeof name !== 'string' || name === '') refuse('needs a name');
  if (typeof rerank !== 'function') refuse('has no function rerank');
  if (!Number.isInteger(candidates) || candidates < 50 || candidates > 200)
    refuse(`may get 50 to 200 candidates at once, not ${candidates}`);
  if (!(timeoutMs > 0 && timeoutMs <= 10_000)) refuse(`may take up to 10000 ms, not ${timeoutMs}`);
}
