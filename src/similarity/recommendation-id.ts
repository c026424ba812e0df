import { randomUUID } from 'node:crypto';
import { SimiliError } from '../errors.ts';
import { DEFAULT_PLACEMENT } from '../placement.ts';
import { type Exploration, NOT_EXPLORING } from './exploration.ts';
import { seal, unseal } from './sealed-token.ts';

/** One list as it was handed out. */
export type ShownList = {
  anchorId: string;
  /** null when no model ranked it; it is empty then. */
  modelId: string | null;
  /** Position of the first item, 1-based over all pages; the others follow without gaps. */
  firstPosition: number;
  /** In the order in which they are shown. */
  itemIds: readonly string[];
  issuedAt: Date;
  /** A shopper's own filter decided what stands where: such a list is weaker evidence. */
  filtered: boolean;
  /** Where in the storefront it stands. Left out: `default`. */
  placement?: string;
  /** Left out: the list explored nothing. */
  exploration?: Exploration;
};
/** `listId`: a UUID, another one for each list that was handed out, however alike they are. */
export type IssuedList = Required<ShownList> & { listId: string; expiresAt: Date };

/**
 * 6 random bytes that tell a list from all that are like it, and decide whether it explores. They are the first of a random UUID: Node draws these by the hundred, and bytes for
 * each call, which takes a fiftieth of a page's time.
 */
export const makeNonce = (): Buffer => Buffer.from(randomUUID().replace('-', '').slice(0, 12), 'hex');
/** A nonce as a number in [0, 1): who has the list can draw again what it drew. */
export const drawOf = (nonce: Buffer): number => nonce.readUIntBE(0, 6) / 2 ** 48;

const PURPOSE = 'simili list 1';
const VALID_DAYS = 7;
const DAY_MS = 86_400_000;
const ID_BYTES = 16;

type Payload = [
  /** To the millisecond; of an older server whole ones. */
  issuedAtSeconds: number,
  anchorId: string,
  modelId: string | null,
  firstPosition: number,
  itemIds: string[],
  /** 0 or 1. This and the next were added later: the lists of an older server have neither. */
  filtered?: number,
  /** Two shoppers who ask the same within a second get two lists. */
  nonce?: string,
  /** Left out where nothing was to be explored, of `default`. */
  share?: number,
  swapped?: number,
  /** Left out: `default`. */
  placement?: string,
];

/** The token that comes back with every event about the list: only what was really shown can be learned from. */
export function signList(key: string, list: ShownList, nonce = makeNonce()): string {
  const { anchorId, modelId, firstPosition, itemIds, issuedAt, filtered } = list;
  const { placement = DEFAULT_PLACEMENT, exploration = NOT_EXPLORING } = list;
  const seconds = issuedAt.getTime() / 1000;
  const id = nonce.toString('base64url');
  const payload: Payload = [seconds, anchorId, modelId, firstPosition, [...itemIds], filtered ? 1 : 0, id];
  const isPlaced = placement !== DEFAULT_PLACEMENT;
  if (exploration.share > 0 || isPlaced) payload.push(exploration.share, exploration.swapped);
  if (isPlaced) payload.push(placement);
  return seal(key, PURPOSE, payload);
}

/** @throws SimiliError RECOMMENDATION_INVALID, RECOMMENDATION_EXPIRED (after 7 days). */
export function verifyList(key: string, recommendationId: string, now: Date): IssuedList {
  const payload = unseal(key, PURPOSE, recommendationId) as Payload | null;
  if (!payload) throw new SimiliError('RECOMMENDATION_INVALID');
  const [issuedAtSeconds, anchorId, modelId, firstPosition, itemIds, filtered, , ...later] = payload;
  const [share = 0, swapped = 0, placement = DEFAULT_PLACEMENT] = later;
  const issuedAt = new Date(Math.round(issuedAtSeconds * 1000));
  const expiresAt = new Date(issuedAt.getTime() + VALID_DAYS * DAY_MS);
  if (now > expiresAt) throw new SimiliError('RECOMMENDATION_EXPIRED', { days: VALID_DAYS });
  const exploration = { share, swapped };
  const list = {
    anchorId,
    modelId,
    firstPosition,
    itemIds,
    issuedAt,
    filtered: filtered === 1,
    placement,
    exploration,
  };
  return { ...list, listId: idOf(recommendationId), expiresAt };
}

/** The start of the token is its signature, which no two lists share. */
function idOf(recommendationId: string): string {
  const hex = Buffer.from(recommendationId, 'base64url').subarray(0, ID_BYTES).toString('hex');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

/** 1-based position of a product in the list; null when it was not shown there. */
export function positionOf({ itemIds, firstPosition }: ShownList, itemId: string): number | null {
  const at = itemIds.indexOf(itemId);
  return at < 0 ? null : firstPosition + at;
}
