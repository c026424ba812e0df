import { expect, test } from 'vitest';
import type { WorkerContext } from '../../../../workers/context.ts';
import { warmed } from '../../../../workers/handlers/train.ts';
import { sha256 } from '../../../../workers/tools/sha256.ts';

const artefact = Uint8Array.of(1, 2, 3);

/** Request to a trainer while version `m1` serves with this checksum. */
function asked(
  kind: 'GOLDEN' | 'NETWORK',
  checksum = sha256(artefact),
  parent: { modelId: string } | null = { modelId: 'm1' },
  erasedAt = new Date(1000),
  quarantinedAt = new Date(1000),
) {
  const models = {
    artefact: async (id: string) => (id === 'm1' ? { checksum, artefact } : null),
    byId: async () => ({ jobId: 'j1', createdAt: new Date(9000) }),
  };
  const jobs = { byId: async (id: string) => (id === 'j1' ? { startedAt: new Date(2000) } : null) };
  const erasures = { since: async (moment: Date) => erasedAt >= moment };
  const quarantines = { changedSince: async (moment: Date) => quarantinedAt >= moment };
  const context = { repositories: { models, jobs, erasures, quarantines } } as unknown as WorkerContext;
  return warmed(context, { kind } as Parameters<typeof warmed>[1], parent);
}

test('a retrain goes on from the version that serves', async () => {
  expect(await asked('NETWORK')).toEqual({ kind: 'NETWORK', serving: artefact });
});

test('a retrain learns anew where the version that serves learned from what a visitor had deleted since', async () => {
  const erased = (at: number) => asked('NETWORK', undefined, undefined, new Date(at));
  expect(await erased(2000)).toEqual({ kind: 'NETWORK' });
  expect(await erased(1999)).toEqual({ kind: 'NETWORK', serving: artefact });
});

test('a retrain learns anew where the version that serves learned from what an administrator put into quarantine since', async () => {
  const quarantined = (at: number) => asked('NETWORK', undefined, undefined, undefined, new Date(at));
  expect(await quarantined(2000)).toEqual({ kind: 'NETWORK' });
  expect(await quarantined(1999)).toEqual({ kind: 'NETWORK', serving: artefact });
});

test('a first model, a retrain of a shop that serves none, and one whose artefact is damaged start afresh', async () => {
  expect(await asked('GOLDEN')).toEqual({ kind: 'GOLDEN' });
  expect(await asked('NETWORK', undefined, null)).toEqual({ kind: 'NETWORK' });
  expect(await asked('NETWORK', 'another')).toEqual({ kind: 'NETWORK' });
});
