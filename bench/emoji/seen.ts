import { existsSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { findEncoder } from '../../workers/encoders/find.ts';
import type { Product } from '../product.ts';
import { type EmojiSet, emojiSet } from './set.ts';

const CACHE = new URL('../out/emoji', import.meta.url).pathname;
const SHIPPED = 'efficientnet-lite0';

/** The development set with what an encoder sees in it; kept beside the pictures. @param choice as SIMILI_ENCODER */
export async function seenEmoji(product: Product, choice = SHIPPED): Promise<EmojiSet> {
  const encoder = (await findEncoder(choice))!;
  const emoji = await emojiSet(CACHE, encoder.description.input.side);
  const path = join(emoji.folder, `${encoder.facts.id}.f16`);
  if (existsSync(path)) return { ...emoji, set: { ...emoji.set, encoded: { encoder: encoder.facts, path } } };
  const set = await product.encode(emoji.set, encoder, `${path}.part`);
  await rename(`${path}.part`, path);
  return { ...emoji, set: { ...set, encoded: { encoder: encoder.facts, path } } };
}
