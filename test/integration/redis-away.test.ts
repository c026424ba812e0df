import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { openQueue } from '../../src/queue/bullmq.ts';
import type { JobQueue } from '../../src/queue/jobs.ts';
import { proxyTo, type WayTo } from '../support/proxy.ts';
import { redisUrl } from '../support/services.ts';

/** Both wait in one event loop, so the shorter time is over first, however busy the machine is. */
const withinPatience = (queue: JobQueue): Promise<string> =>
  Promise.race([
    Promise.all([1, 2, 3].map(() => queue.add('ingest', { catalog: 'default' }))).then(() => 'returned'),
    sleep(1000, 'waited', { ref: false }),
  ]);

for (const away of ['cut', 'frozen'] as const) {
  test(`with Redis ${away} whoever adds a message does not wait, the queue says that it is away, the outage is told once, and later messages arrive`, {
    tags: ['redis'],
  }, async () => {
    const way = await proxyTo(redisUrl());
    onTestFinished(() => way[Symbol.asyncDispose]());
    const told: string[] = [];
    const queue = await openQueue({
      redisUrl: way.url,
      prefix: `test-${crypto.randomUUID()}`,
      storage: { queue: { connectionString: '' } },
      onError: (error) => told.push(error.message),
    });
    onTestFinished(() => queue.close());
    let taken = () => {};
    await queue.work('ingest', async () => taken());
    const taking = () =>
      new Promise<void>((resolve) => {
        taken = resolve;
      });
    const first = taking();
    await queue.add('ingest', { catalog: 'default' });
    await first;
    expect(await queue.alive()).toBe(true);
    if (away === 'cut') way.cut();
    else way.freeze();
    expect(await withinPatience(queue)).toBe('returned');
    expect(await withinPatience(queue)).toBe('returned');
    expect(await Promise.all([queue.alive(), queue.alive()])).toEqual([false, false]);
    way.restore();
    let back = false;
    const again = taking().then(() => {
      back = true;
    });
    while (!back) await Promise.race([again, queue.add('ingest', { catalog: 'default' }).then(() => sleep(100))]);
    while (!(await queue.alive())) await sleep(100);
    expect(new Set(told).size).toBe(told.length);
  });
}

for (const away of ['cut', 'frozen'] as const) {
  test(`with Redis ${away} a process that stops waits for its handlers, and for nothing else`, {
    tags: ['redis'],
  }, async () => {
    const way = await proxyTo(redisUrl());
    onTestFinished(() => way[Symbol.asyncDispose]());
    const storage = { queue: { connectionString: '' } };
    const prefix = `test-${crypto.randomUUID()}`;
    const queues = await Promise.all(
      ['worker', 'api'].map(() => openQueue({ redisUrl: way.url, prefix, storage, onError: () => {} })),
    );
    const [worker, api] = queues;
    let ended = false;
    const started = new Promise<void>((resolve) => {
      void worker!.work('train', async (_payload, { signal }) => {
        resolve();
        await new Promise((aborted) => signal.addEventListener('abort', aborted));
        await sleep(20);
        ended = true;
        throw signal.reason;
      });
    });
    await api!.add('train', { catalog: 'default', jobId: 'long' });
    await started;
    if (away === 'cut') way.cut();
    else way.freeze();
    expect(await Promise.all(queues.map((queue) => queue.close()))).toEqual([undefined, undefined]);
    expect(ended).toBe(true);
  });
}

test('a Redis that became a replica takes no message, whatever it answers, and the one in its place does', {
  tags: ['redis'],
}, async () => {
  const way = await proxyTo(redisUrl());
  onTestFinished(() => way[Symbol.asyncDispose]());
  const storage = { queue: { connectionString: '' } };
  const prefix = `test-${crypto.randomUUID()}`;
  const queue = await openQueue({ redisUrl: way.url, prefix, storage, onError: () => {} });
  onTestFinished(() => queue.close());
  expect(await queue.alive()).toBe(true);
  way.demote();
  expect(await queue.alive()).toBe(false);
  await expect.poll(() => queue.alive()).toBe(true);
});

const replaced = {
  'hangs in the dead': (way: WayTo) => {
    way.freeze();
    way.replace();
  },
  'is a replica of the one that took its place': (way: WayTo) => way.demote(),
};
for (const [how, replace] of Object.entries(replaced)) {
  test(`where the Redis of open connections ${how}, messages arrive by new ones`, { tags: ['redis'] }, async () => {
    const way = await proxyTo(redisUrl());
    onTestFinished(() => way[Symbol.asyncDispose]());
    const queue = await openQueue({
      redisUrl: way.url,
      prefix: `test-${crypto.randomUUID()}`,
      storage: { queue: { connectionString: '' } },
      idleSeconds: 1,
      onError: () => {},
    });
    onTestFinished(() => queue.close());
    let taken = 0;
    await queue.work('ingest', async () => {
      taken++;
    });
    const arrives = async () => {
      await queue.add('ingest', { catalog: 'default' });
      return taken;
    };
    await expect.poll(arrives).toBeGreaterThan(0);
    replace(way);
    const before = taken;
    await expect.poll(arrives, { interval: 100 }).toBeGreaterThan(before);
    await expect.poll(() => queue.alive()).toBe(true);
  });
}
