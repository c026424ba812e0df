import { base64Of, vectorOf } from '../db/sql/vector-bytes.ts';
import { SimiliError } from '../errors.ts';
import { seal, unseal } from './sealed-token.ts';

/** A picture as a version of the model sees it. */
export type SeenPicture = { readonly modelId: string; readonly vector: Float32Array };

const PURPOSE = 'simili picture 1';
/** A token is taken for an hour: long enough to page and to change filters, and a picture is soon sent again. */
const VALID_MS = 3_600_000;

type Payload = [issuedAtMs: number, modelId: string, vector: string];

/** The picture's vector, signed: nothing of a picture is kept here, and whoever has the token asks for pages without another look. */
export function makePictureToken(key: string, { modelId, vector }: SeenPicture, now: Date): string {
  const payload: Payload = [now.getTime(), modelId, base64Of(vector)];
  return seal(key, PURPOSE, payload);
}

/** @throws SimiliError PICTURE_TOKEN_INVALID, PICTURE_TOKEN_EXPIRED */
export function readPictureToken(key: string, token: string, now: Date): SeenPicture {
  const payload = unseal(key, PURPOSE, token) as Payload | null;
  if (!payload) throw new SimiliError('PICTURE_TOKEN_INVALID');
  const [issuedAtMs, modelId, vector] = payload;
  if (now.getTime() - issuedAtMs > VALID_MS) throw new SimiliError('PICTURE_TOKEN_EXPIRED');
  return { modelId, vector: vectorOf(vector) };
}
