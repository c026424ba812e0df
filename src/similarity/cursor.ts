import { SimiliError } from '../errors.ts';
import { seal, unseal } from './sealed-token.ts';

/** A place in one ranking: after the first `offset` products that one version finds similar to one anchor. */
export type Place = { modelId: string; anchorId: string; offset: number };

const PURPOSE = 'simili cursor 1';

export const makeCursor = (key: string, { modelId, anchorId, offset }: Place): string =>
  seal(key, PURPOSE, [modelId, anchorId, offset]);

/** @throws SimiliError CURSOR_INVALID: not ours, or of another product's list. */
export function readCursor(key: string, cursor: string, anchorId: string): Place {
  const place = unseal(key, PURPOSE, cursor) as [string, string, number] | null;
  if (place?.[1] !== anchorId) throw new SimiliError('CURSOR_INVALID');
  return { modelId: place[0], anchorId, offset: place[2] };
}
