import { expect, test } from 'vitest';
import { VersionGone } from '../../../../src/db/sql/version-gone.ts';
import { explainSimilarity } from '../../../../src/models/explain.ts';

type Deps = Parameters<typeof explainSimilarity>[0];
type Model = Awaited<ReturnType<Deps['models']['active']>>;
const version = (number: number) =>
  ({
    id: `model-${number}`,
    number,
    dimensions: 2,
    storage: 'VECTOR',
    spaces: [],
    metrics: null,
  }) as unknown as Model;
const NOBODY = { chosen: 0, dismissed: 0, clicked: 0, addedToCart: 0, bought: 0 };

/** Versions serve one after the other, one a question; only the last one has vectors. */
function shop(serving: readonly Model[]): Deps {
  const left = [...serving];
  return {
    models: { active: async () => left.shift() ?? null },
    embeddings: {
      vectors: async (number) => {
        if (number !== serving.at(-1)!.number) throw new VersionGone(null);
        return new Map([
          ['a', Float32Array.of(1, 0)],
          ['b', Float32Array.of(0, 1)],
        ]);
      },
    },
    feedback: { visitorsOfPair: async () => NOBODY },
  };
}

test('a version that is retired while it is read is not an error: the one that serves by then explains', async () => {
  const explanation = await explainSimilarity(shop([version(1), version(2)]), 'a', 'b');
  expect(explanation).toMatchObject({ modelVersionId: 'model-2', score: 0.5 });
});

test('two retired one after the other are told: what reads twice is no loop', async () => {
  await expect(explainSimilarity(shop([version(1), version(2), version(3)]), 'a', 'b')).rejects.toThrow(VersionGone);
});
