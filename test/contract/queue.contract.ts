import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { SimiliError } from '../../src/errors.ts';
import type { JobQueue } from '../../src/queue/jobs.ts';
import { until } from '../support/until.ts';

/** `idleSeconds` as `openQueue` takes it. */
export type OpenQueue = (onError: (error: Error) => void, idleSeconds?: number) => Promise<JobQueue>;

/**
 * The contract of queue adapters. `open` joins one queue: opened twice, both ends see the same messages. `tags` names
 * what it needs.
 */
export function describeQueue(
  name: string,
  start: () => Promise<{ open: OpenQueue; stop(): Promise<void> }>,
  tags: string[] = [],
): void {
  describe(`queue on ${name}`, { tags }, () => {
    const setUp = async () => {
      const { open, stop } = await start();
      const opened: JobQueue[] = [];
      const errors: string[] = [];
      onTestFinished(async () => {
        for (const queue of opened) await queue.close();
        await stop();
      });
      return {
        errors,
        join: async (idleSeconds?: number) =>
          opened[opened.push(await open((error) => errors.push(error.message), idleSeconds)) - 1] as JobQueue,
      };
    };

    test('a message wakes one of several idle workers, and comes once', async () => {
      const { join } = await setUp();
      const seen: string[] = [];
      // Of themselves they look after an hour: what comes before was told.
      const [producer, one, two] = [await join(), await join(3600), await join(3600)];
      for (const worker of [one, two]) await worker.work('train', async ({ jobId }) => void seen.push(jobId));
      for (const jobId of ['a', 'b', 'c', 'd']) {
        await sleep(75); // so that both are idle again, most times
        await producer.add('train', { catalog: 'default', jobId });
        await until(() => seen.includes(jobId));
      }
      for (const worker of [one, two]) await worker.close(); // waits for what they hold
      expect(seen).toEqual(['a', 'b', 'c', 'd']);
    });

    test('a message that is taken back before anybody took it does not come, and of pictures four come at once', async () => {
      const { join } = await setUp();
      const queue = await join();
      const catalog = 'default';
      const ids = Array.from({ length: 6 }, () => crypto.randomUUID());
      for (const id of ids) await queue.add('picture', { catalog, id }, id);
      await queue.withdraw('picture', ids[0]!);
      await queue.withdraw('picture', 'never there');
      const seen: string[] = [];
      let goOn = () => {};
      const gate = new Promise<void>((resolve) => {
        goOn = resolve;
      });
      await queue.work('picture', async ({ id }) => {
        seen.push(id);
        await gate;
      });
      await until(() => seen.length === 4);
      goOn();
      await until(() => seen.length === 5);
      await queue.close();
      expect(seen.sort()).toEqual(ids.slice(1).sort());
    });

    test('a message waits for a worker that comes later, and a key makes it wait only once', async () => {
      const { join } = await setUp();
      const queue = await join();
      await queue.add('embed', { catalog: 'default', jobId: 'late' }, 'key-1');
      await queue.add('embed', { catalog: 'default', jobId: 'late' }, 'key-1');
      const seen: string[] = [];
      await queue.work('embed', async ({ jobId }) => void seen.push(jobId));
      await queue.add('embed', { catalog: 'default', jobId: 'again' }, 'key-2'); // behind a second `late`, if there is one
      await until(() => seen.includes('again'));
      expect(seen).toEqual(['late', 'again']);
      await queue.add('embed', { catalog: 'default', jobId: 'once more' }, 'key-1');
      await until(() => seen.length === 3);
    });

    test('a message that was taken is no waiting one: what is added while it is handled comes behind it, once', async () => {
      const { join } = await setUp();
      const queue = await join();
      const catalog = 'default';
      let begun = 0;
      let goOn = () => {};
      await queue.work('ingest', async () => {
        begun++;
        if (begun === 1)
          await new Promise<void>((resolve) => {
            goOn = resolve;
          });
      });
      await queue.add('ingest', { catalog }, catalog);
      await until(() => begun === 1);
      for (let i = 0; i < 3; i++) await queue.add('ingest', { catalog }, catalog);
      goOn();
      await until(() => begun === 2);
      await queue.add('ingest', { catalog: 'last' }, 'last'); // behind more of them, if there are any
      await until(() => begun === 3);
      await queue.close();
      expect(begun).toBe(3);
    });

    test('an outage is retried, what repeating cannot mend is not, and both are told', async () => {
      const { join, errors } = await setUp();
      const queue = await join();
      let outages = 0;
      let hopeless = 0;
      await queue.work('ingest', async () => {
        if (outages++ === 0) throw new Error('database is away');
      });
      await queue.work('maintenance', async () => {
        hopeless++;
        throw new SimiliError('CATALOG_TOO_SMALL', { have: 0, need: 20 });
      });
      await queue.add('ingest', { catalog: 'default' });
      await queue.add('maintenance', {});
      await until(() => outages === 2 && hopeless === 1);
      expect(errors).toContain('database is away');
    });

    test('a payload that is not of the contract is refused by the one who adds it', async () => {
      const { join } = await setUp();
      await expect((await join()).add('train', { catalog: 'default', jobId: '' })).rejects.toThrow();
    });

    test('what follows a flow comes once, after all of its messages, whoever handles them', async () => {
      const { join } = await setUp();
      const [producer, one, two] = [await join(), await join(), await join()];
      const seen: (number | 'gathered')[] = [];
      const slowly = async ({ member }: { member: number }) => {
        await sleep(20 * (member + 1));
        seen.push(member);
      };
      for (const worker of [one, two]) {
        await worker.work('round', slowly);
        await worker.work('gather', async () => void seen.push('gathered'));
      }
      await producer.addFlow(flowOf('a', [0, 1, 2]), 'flow-a');
      await producer.addFlow(flowOf('a', [0, 1, 2]), 'flow-a');
      await until(() => seen.includes('gathered'));
      await producer.addFlow(flowOf('b', [7]), 'flow-b'); // behind a second flow a, if there is one
      await until(() => seen.includes(7) && seen.at(-1) === 'gathered');
      for (const worker of [one, two]) await worker.close();
      expect(seen.slice(0, 3).toSorted()).toEqual([0, 1, 2]);
      expect(seen.slice(3)).toEqual(['gathered', 7, 'gathered']);
    });

    test('a message of a flow that is given up holds up nobody; one that was an outage is tried again first', async () => {
      const { join, errors } = await setUp();
      const queue = await join();
      const tries = [0, 0, 0];
      let gathered = 0;
      await queue.work('round', async ({ member }) => {
        tries[member]!++;
        if (member === 1) throw new SimiliError('TRAINING_DIVERGED', { step: 1, why: 'the loss became NaN' });
        if (member === 2 && tries[2] === 1) throw new Error('database is away');
      });
      await queue.work('gather', async ({ round }) => {
        expect(round).toBe(3);
        gathered++;
      });
      await queue.addFlow(flowOf('c', [0, 1, 2]), 'flow-c');
      await until(() => gathered === 1);
      expect(tries).toEqual([1, 1, 2]);
      expect(errors).toContain('database is away');
    });

    test('a flow with one wrong payload is not added at all', async () => {
      const { join } = await setUp();
      const queue = await join();
      const seen: number[] = [];
      await queue.work('round', async ({ member }) => void seen.push(member));
      await expect(queue.addFlow(flowOf('d', [0, -1]), 'flow-d')).rejects.toThrow();
      await queue.add('round', { catalog: 'default', jobId: 'd', round: 3, fence: 1, member: 9 }); // behind the first of the flow
      await until(() => seen.includes(9));
      expect(seen).toEqual([9]);
    });

    test('closing aborts the running handler and waits for it; that it stopped is no error', async () => {
      const { join, errors } = await setUp();
      const queue = await join();
      let ended = false;
      let started = false;
      await queue.work('train', async (_payload, { signal }) => {
        started = true;
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        await sleep(20);
        ended = true;
        throw signal.reason;
      });
      await queue.add('train', { catalog: 'default', jobId: 'long' });
      await until(() => started);
      await queue.close();
      expect([ended, errors]).toEqual([true, []]);
    });
  });
}

/** A round's shards, and what follows them. */
const flowOf = (jobId: string, members: number[]) => ({
  each: {
    name: 'round' as const,
    payloads: members.map((member) => ({ catalog: 'default', jobId, round: 3, fence: 1, member })),
  },
  after: { name: 'gather' as const, payload: { catalog: 'default', jobId, round: 3, fence: 1 } },
});
