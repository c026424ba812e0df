import { createHash } from 'node:crypto';
import { z } from 'zod';
import { checked } from '../checked.ts';
import type { ProductRow } from '../db/sql/product-row.ts';
import { listOf } from '../shapes.ts';
import { toId } from '../text.ts';
import type { AnswerView } from './answer-view.ts';

/** Anchors of one list together. Each costs a look-up of its vectors; a cart of more tells no more by its mean. */
export const MOST_ANCHORS = 20;

const Anchors = listOf(z.string('must be text').transform(toId), MOST_ANCHORS, 1);

/** One product of each id, in the order given. @throws SimiliError INVALID_ARGUMENT: none, or more than MOST_ANCHORS. */
export const checkedAnchors = (ids: readonly string[]): string[] => [...new Set(checked(Anchors, ids, 'ids'))];

/** Text that stands for a set of anchors in a cursor: the same in whatever order they were given. */
export const keyOfAnchors = (ids: readonly string[]): string =>
  `several ${createHash('sha256')
    .update(JSON.stringify([...ids].sort()))
    .digest('base64url')}`;

/** The first of the anchors that is a product; null: none is. */
export async function firstProduct(
  view: Pick<AnswerView, 'product'>,
  ids: readonly string[],
): Promise<ProductRow | null> {
  const found = await Promise.all(ids.map((id) => view.product(id)));
  return found.find((one) => one !== null) ?? null;
}
