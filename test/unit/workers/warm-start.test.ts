import { expect, test } from 'vitest';
import type { WorkerContext } from '../../../workers/context.ts';
import { warmed } from '../../../workers/handlers/train.ts';
import { sha256 } from '../../../workers/tools/sha256.ts';

const artefact = Uint8Array.of(1, 2, 3);

/** What is asked of a trainer while version `m1` serves with this checksum. */
function asked(
  kind: 'GOLDEN' | 'NETWORK',
  checksum = sha256(artefact),
  parent: { modelId: string } | null = { modelId: 'm1' },
) {
  const models = { artefact: async (id: string) => (id === 'm1' ? { checksum, artefact } : null) };
  const context = { repositories: { models } } as unknown as WorkerContext;
  return warmed(context, { kind } as Parameters<typeof warmed>[1], parent);
}

test('a retrain goes on from the version that serves', async () => {
  expect(await asked('NETWORK')).toEqual({ kind: 'NETWORK', serving: artefact });
});

test('a first model, a retrain of a shop that serves none, and one whose artefact is damaged start afresh', async () => {
  expect(await asked('GOLDEN')).toEqual({ kind: 'GOLDEN' });
  expect(await asked('NETWORK', undefined, null)).toEqual({ kind: 'NETWORK' });
  expect(await asked('NETWORK', 'another')).toEqual({ kind: 'NETWORK' });
});
