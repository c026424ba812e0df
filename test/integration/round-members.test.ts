import { expect, test } from 'vitest';
import { SimiliError } from '../../src/errors.ts';
import { memberOf } from '../../workers/distributed/member.ts';
import type { MakeRequest } from '../../workers/distributed/ports.ts';
import { sha256 } from '../../workers/tools/sha256.ts';
import { engines, fakeWorker } from '../support/fake-worker.ts';

const signal = new AbortController().signal;
const NEW = { members: 1, firstStep: 0, steps: 1, totalSteps: 10, pictures: 0, expectedMs: 1000, settings: {} };

/** Requests of a catalog as it is now; the trainer refuses those of another than the rounds began with. */
async function shopWithRounds() {
  const worker = await fakeWorker(0);
  const { jobs, rounds } = worker.database.repositories;
  const { id: jobId } = await jobs.create('RETRAIN', {}, 'test');
  let begunWith = '';
  const trainer = {
    ...engines.trainer,
    async round(asked: { request: { catalog: string }; state: Uint8Array; steps: number }) {
      if (asked.request.catalog === begunWith) return engines.trainer.round(asked);
      throw new SimiliError('TRAINING_DIVERGED', { step: 0, why: 'another catalog' });
    },
  };
  return {
    member: memberOf(worker.but({ trainer: trainer as never })),
    rounds,
    /** A claim of the job, whose training begins with this catalog. @returns its first shard */
    async begin(catalog: string) {
      begunWith = catalog;
      const claim = (await jobs.claim(jobId, 'TRAIN'))!;
      const state = new TextEncoder().encode(catalog);
      await rounds.open(claim, { ...NEW, round: 0, state, checksum: sha256(state) } as never);
      return { claim, shard: { jobId, round: 0, fence: claim.fence, member: 0 } };
    },
    giveUp: (claim: Parameters<typeof jobs.release>[0]) => jobs.release(claim),
    [Symbol.asyncDispose]: () => worker[Symbol.asyncDispose](),
  };
}
const seeing = (catalog: string): MakeRequest => (async () => ({ catalog })) as never;

test('a member whose job starts over with another catalog makes its request anew, and nothing of before counts', async () => {
  await using shop = await shopWithRounds();
  const before = await shop.begin('as it was');
  await shop.member.train(before.shard, seeing('as it was'), signal);
  expect(await shop.rounds.results(before.shard)).toHaveLength(1);
  await shop.giveUp(before.claim);
  const after = await shop.begin('as it is now');
  expect(await shop.rounds.results(after.shard)).toEqual([]);
  await shop.member.train(after.shard, seeing('as it is now'), signal);
  expect(await shop.rounds.results(after.shard)).toHaveLength(1);
});

test('whoever coordinates trains shards with the request that the rounds began with', async () => {
  await using shop = await shopWithRounds();
  const { shard } = await shop.begin('as it was');
  shop.member.hold(shard, (await seeing('as it was')(signal)) as never);
  await shop.member.train(shard, seeing('as it is now'), signal);
  expect(await shop.rounds.results(shard)).toHaveLength(1);
});
