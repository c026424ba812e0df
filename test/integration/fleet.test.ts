import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { JobQueue, QueueName } from '../../src/queue/jobs.ts';
import { startFleet } from '../../workers/fleet.ts';
import { type FakeWorker, fakeWorker } from '../support/fake-worker.ts';

/* A process that takes work from queues. None of its children is needed, so none is started. */
let worker: FakeWorker;
beforeAll(async () => {
  worker = await fakeWorker();
});
afterAll(() => worker[Symbol.asyncDispose]());
beforeEach(() => {
  worker.queue.added.length = 0;
});

type Deliver = (payload: object, run: { signal: AbortSignal }) => Promise<void>;

/** A queue that a test delivers by hand. */
function handQueue() {
  const handlers = new Map<QueueName, Deliver>();
  let isClosed = false;
  const queue = {
    ...worker.queue,
    work: async (name: QueueName, handler: Deliver) => void handlers.set(name, handler),
    async close() {
      isClosed = true;
    },
  } as unknown as JobQueue;
  return { queue, handlers, isClosed: () => isClosed };
}
const fleetOf = (queue: JobQueue, more: { queues?: QueueName[]; alone?: boolean } = {}) => {
  const { repositories, config, log } = worker.context;
  return startFleet({ repositories, queue, config, log, alone: false, ...more });
};

test('a fleet takes work from the queues that it is asked for, and from all but the schedule without being asked', async () => {
  const all = handQueue();
  const one = handQueue();
  const fleets = [await fleetOf(all.queue), await fleetOf(one.queue, { queues: ['embed'] })];
  await Promise.all(fleets.map((fleet) => fleet.close()));
  expect([...all.handlers.keys()].sort()).toEqual([
    'embed',
    'evaluate',
    'gather',
    'ingest',
    'picture',
    'round',
    'train',
  ]);
  expect([...one.handlers.keys()]).toEqual(['embed']);
  expect([all.isClosed(), one.isClosed()]).toEqual([true, true]);
});

test('a message that is delivered is handled: one for a job that is not there does nothing', async () => {
  const { queue, handlers } = handQueue();
  const fleet = await fleetOf(queue);
  const run = { signal: new AbortController().signal };
  for (const name of ['train', 'embed', 'evaluate'] as const)
    await handlers.get(name)!({ catalog: 'default', jobId: 'job_gone' }, run);
  await handlers.get('round')!({ catalog: 'default', jobId: 'job_gone', round: 0, fence: 1, member: 0 }, run);
  await handlers.get('gather')!({ catalog: 'default', jobId: 'job_gone', round: 0, fence: 1 }, run);
  await handlers.get('ingest')!({ catalog: 'default' }, run);
  await handlers.get('picture')!({ catalog: 'default', id: crypto.randomUUID() }, run);
  await fleet.close();
  expect(worker.queue.added).toEqual([]);
});

test('alone with its database, a fleet puts the job of the process before it in line at once; else it waits', async () => {
  const { jobs } = worker.database.repositories;
  const { id } = await jobs.create('RETRAIN', {}, 'test');
  await jobs.claim(id, 'TRAIN');
  await (await fleetOf(handQueue().queue, { queues: [] })).close();
  expect(worker.queue.added).toEqual([]);
  await (await fleetOf(handQueue().queue, { queues: [], alone: true })).close();
  expect(worker.queue.added).toMatchObject([{ name: 'train', payload: { jobId: id } }]);
  await jobs.cancel(id);
});

test('a fleet that keeps the schedule looks for lost jobs as soon as it starts, and no more once it is closed', async () => {
  const { jobs } = worker.database.repositories;
  const { id } = await jobs.create('RETRAIN', {}, 'test');
  const fleet = await fleetOf(handQueue().queue, { queues: ['maintenance'] });
  await expect.poll(() => worker.queue.added).toMatchObject([{ name: 'train', payload: { jobId: id } }]);
  await fleet.close();
  await jobs.cancel(id);
});
