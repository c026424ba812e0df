import { createHash } from 'node:crypto';
import { z } from 'zod';
import { checked } from '../checked.ts';
import { SimiliError } from '../errors.ts';
import type { Serving } from '../models/serving.ts';
import { ofLength } from '../shapes.ts';
import type { AnswerView } from './answer-view.ts';
import { type LookDeps, lookAtPicture } from './look-at-picture.ts';
import { makePictureToken, readPictureToken, type SeenPicture } from './picture-token.ts';
import { type PageRequest, type RankedPage, type RankingDeps, rankedPage, searchOf, without } from './ranked-page.ts';

/** A picture that is no product's, by one of the two: its address, or the token of one that was looked at. */
export type PictureInput = { url?: string | null | undefined; token?: string | null | undefined };
export type SimilarToPictureRequest = PageRequest & { picture: PictureInput };
/** `pictureToken`: for further pages and other filters; null: nothing has looked at the picture. */
export type SimilarToPicturePage = RankedPage & { pictureToken: string | null };
type Deps = RankingDeps & LookDeps & { now: () => Date };

/** Characters of an address. */
const LONGEST_URL = 2000;
const Address = z
  .string()
  .regex(/^https?:\/\//i, 'must begin with http:// or https://')
  .refine(...ofLength(LONGEST_URL));
const Picture = z
  .object({ url: Address.nullish(), token: z.string().nullish() })
  .refine(({ url, token }) => (url == null) !== (token == null), 'needs one of url and token');

/**
 * A page of the products that look like a picture (docs/adr/0029-search-by-picture.md). The list is not signed and explores nothing: the
 * picture is no product, so a click says of no two products that they look alike.
 * @throws SimiliError INVALID_ARGUMENT, CURSOR_INVALID, PICTURE_TOKEN_INVALID, PICTURE_TOKEN_EXPIRED; what `lookAtPicture` throws.
 */
export async function similarToPicture(
  deps: Deps,
  { picture, ...request }: SimilarToPictureRequest,
  view: AnswerView,
): Promise<SimilarToPicturePage> {
  const { url, token } = checked(Picture, picture, 'picture');
  const seen = url == null ? readPictureToken(deps.signingKey, token!, deps.now()) : await seenAt(deps, url, view);
  if (!seen) return { ...without('MODEL_NOT_READY'), pictureToken: null };
  const search = searchOf(deps, { anchorId: keyOf(seen), seen, exploring: null }, request);
  const { page } = await rankedPage(deps, search, view);
  return { ...page, pictureToken: token ?? makePictureToken(deps.signingKey, seen, deps.now()) };
}

async function seenAt(
  deps: Deps,
  url: string,
  view: Pick<AnswerView, 'serving' | 'inTime'>,
): Promise<SeenPicture | null> {
  const serving = await view.serving();
  if (!serving) return null;
  const { modelId } = serving;
  return { modelId, vector: await view.inTime(() => lookAtPicture(deps, modelId, { url })) };
}

/**
 * The token of a picture that was sent, for `similarToPicture`.
 * @throws SimiliError what `lookAtPicture` throws; PICTURES_UNAVAILABLE while no model serves.
 */
export async function pictureToken(
  deps: LookDeps & { signingKey: string; now: () => Date; serving: Pick<Serving, 'current'> },
  bytes: Uint8Array,
): Promise<string> {
  const serving = await deps.serving.current();
  if (!serving) throw new SimiliError('PICTURES_UNAVAILABLE', { why: 'no model serves yet' });
  const vector = await lookAtPicture(deps, serving.modelId, { bytes });
  return makePictureToken(deps.signingKey, { modelId: serving.modelId, vector }, deps.now());
}

/** Text that stands for a picture in a cursor. */
const keyOf = ({ vector }: SeenPicture): string => `picture ${createHash('sha256').update(vector).digest('base64url')}`;
