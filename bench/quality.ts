import { openProduct } from './product.ts';
import type { Arena } from './quality/arena.ts';
import { type Compared, type CompareOptions, compare } from './quality/compare.ts';
import { emojiArena } from './quality/emoji.ts';
import { fashionArena } from './quality/fashion.ts';
import { flat } from './quality/rows.ts';
import { writeDocs } from './quality/write-docs.ts';

export type QualityOptions = CompareOptions & {
  /** Write the tables and curves into docs/. */
  readonly docs: boolean;
  /** As it was typed. */
  readonly command: string;
};

const arenas: readonly ((product: Awaited<ReturnType<typeof openProduct>>) => Promise<Arena | null>)[] = [
  emojiArena,
  fashionArena,
];

/**
 * Measures what the learning core is worth on the emoji set (identity) and on Fashion-MNIST (category; docs/quality.md): everything is
 * chosen on validation items while the training items are fitted on, then fitted again on both, and measured once on test
 * items, through the engine process that a worker uses. Both sets side by side, each in a process of its own.
 */
export async function quality(options: QualityOptions): Promise<Record<string, string | number>[]> {
  const found = await Promise.all(
    arenas.map(async (open): Promise<Compared | null> => {
      const product = await openProduct();
      try {
        const arena = await open(product);
        if (arena) return await compare({ arena, product }, options);
        process.stderr.write('Fashion-MNIST is left out: it takes Debian’s dataset-fashion-mnist\n');
        return null;
      } finally {
        await product.close();
      }
    }),
  );
  const all = found.filter((compared) => compared !== null);
  if (options.docs) await writeDocs(all, options.command);
  return all.flatMap(({ rows }) => rows.map(flat));
}
