import { measureDrawings } from '../emoji/measure.ts';
import { seenEmoji } from '../emoji/seen.ts';
import { VENDORS } from '../emoji/things.ts';
import type { Product } from '../product.ts';
import type { Arena } from './arena.ts';

/** Identity: drawings of things, each looked for among what the other vendors have drawn. */
export async function emojiArena(product: Product): Promise<Arena> {
  const { things } = await seenEmoji(product);
  return {
    name: 'emoji',
    before: { p1: 0.784, map: 0.663 },
    seenBy: async (choice) => (await seenEmoji(product, choice)).set,
    picturesOf: (split) =>
      Int32Array.from(
        things.flatMap((thing, i) => (thing.split === split ? VENDORS.map((_, v) => i * VENDORS.length + v) : [])),
      ),
    measure: measureDrawings,
  };
}
