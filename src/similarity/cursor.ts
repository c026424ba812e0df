import type { Behind } from '../db/search/statement.ts';
import { SimiliError } from '../errors.ts';
import { seal, unseal } from './sealed-token.ts';

/**
 * A place in one version's ranking for one anchor: behind the product at `position` (1-based), which is told by distance and
 * id, not by counting: a product deleted or added before it moves nothing. JSON keeps a float64 bit for bit. Under a reranker
 * (placed-list.ts) that is the place where its window begins, and `skip` how many of the window, in the shop's order, were passed.
 */
export type Place = Behind & { modelId: string; anchorId: string; position: number; skip: number };
type Payload = [modelId: string, anchorId: string, position: number, l2: number, productId: string, skip?: number];

const PURPOSE = 'simili cursor 2';

export function makeCursor(key: string, { modelId, anchorId, position, l2, productId, skip }: Place): string {
  const payload: Payload = [modelId, anchorId, position, l2, productId];
  if (skip > 0) payload.push(skip);
  return seal(key, PURPOSE, payload);
}

/** @throws SimiliError CURSOR_INVALID: not ours, or of another product's list. */
export function readCursor(key: string, cursor: string, anchorId: string): Place {
  const payload = unseal(key, PURPOSE, cursor) as Payload | null;
  if (payload?.[1] !== anchorId) throw new SimiliError('CURSOR_INVALID');
  const [modelId, , position, l2, productId, skip = 0] = payload;
  return { modelId, anchorId, position, l2, productId, skip };
}
