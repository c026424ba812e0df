import { SimiliError } from '../errors.ts';
import { seal, unseal } from './sealed-token.ts';

/** One list as it was handed out. */
export type ShownList = {
  anchorId: string;
  /** null when no model ranked it; it is empty then. */
  modelId: string | null;
  /** Position of the first item, 1-based over all pages; the others follow without gaps. */
  firstPosition: number;
  itemIds: readonly string[];
  issuedAt: Date;
};

const PURPOSE = 'simili list 1';
const VALID_DAYS = 7;
const DAY_MS = 86_400_000;

type Payload = [
  issuedAtSeconds: number,
  anchorId: string,
  modelId: string | null,
  firstPosition: number,
  itemIds: string[],
];

/** The token that comes back with every event about the list: only what was really shown can be learned from. */
export function signList(key: string, { anchorId, modelId, firstPosition, itemIds, issuedAt }: ShownList): string {
  const payload: Payload = [Math.floor(issuedAt.getTime() / 1000), anchorId, modelId, firstPosition, [...itemIds]];
  return seal(key, PURPOSE, payload);
}

/** @throws SimiliError RECOMMENDATION_INVALID, RECOMMENDATION_EXPIRED (after 7 days). */
export function verifyList(key: string, recommendationId: string, now: Date): ShownList {
  const payload = unseal(key, PURPOSE, recommendationId) as Payload | null;
  if (!payload) throw new SimiliError('RECOMMENDATION_INVALID');
  const [issuedAtSeconds, anchorId, modelId, firstPosition, itemIds] = payload;
  const issuedAt = new Date(issuedAtSeconds * 1000);
  if (now.getTime() - issuedAt.getTime() > VALID_DAYS * DAY_MS)
    throw new SimiliError('RECOMMENDATION_EXPIRED', { days: VALID_DAYS });
  return { anchorId, modelId, firstPosition, itemIds, issuedAt };
}

/** 1-based position of a product in the list; null when it was not shown there. */
export function positionOf({ itemIds, firstPosition }: ShownList, itemId: string): number | null {
  const at = itemIds.indexOf(itemId);
  return at < 0 ? null : firstPosition + at;
}
