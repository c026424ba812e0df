import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { openQueue } from '../../src/queue/bullmq.ts';
import type { JobQueue } from '../../src/queue/jobs.ts';
import { redisUrl } from '../support/services.ts';

/** A way to the shared Redis that can be cut or frozen, for us alone. */
async function wayTo(redis: string) {
  const { hostname, port } = new URL(redis);
  const sockets = new Set<Socket>();
  let state: 'open' | 'cut' | 'frozen' = 'open';
  const server = createServer((near) => {
    if (state === 'cut') return void near.destroy();
    const far = connect(Number(port), hostname);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one);
      one.on('error', () => {});
      one.on('close', () => {
        other.destroy();
        sockets.delete(one);
      });
      one.on('data', (bytes) => other.write(bytes));
      if (state === 'frozen') one.pause();
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const url = new URL(redis);
  url.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: url.href,
    become(next: typeof state) {
      state = next;
      for (const socket of sockets) {
        if (next === 'cut') socket.destroy();
        else if (next === 'frozen') socket.pause();
        else socket.resume();
      }
    },
  };
}

/** Both wait in one event loop, so the shorter time is over first, however busy the machine is. */
const withinPatience = (queue: JobQueue): Promise<string> =>
  Promise.race([
    Promise.all([1, 2, 3].map(() => queue.add('ingest', {}))).then(() => 'returned'),
    sleep(1000, 'waited', { ref: false }),
  ]);

for (const away of ['cut', 'frozen'] as const) {
  test(`with Redis ${away} whoever adds a message does not wait, the queue says that it is away, the outage is told once, and later messages arrive`, {
    tags: ['redis'],
  }, async () => {
    const way = await wayTo(redisUrl());
    const told: string[] = [];
    const queue = await openQueue({
      ...{ redisUrl: way.url, prefix: `test-${crypto.randomUUID()}`, storage: { queue: { connectionString: '' } } },
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
    await queue.add('ingest', {});
    await first;
    expect(await queue.alive()).toBe(true);
    way.become(away);
    expect(await withinPatience(queue)).toBe('returned');
    expect(await withinPatience(queue)).toBe('returned');
    expect(await Promise.all([queue.alive(), queue.alive()])).toEqual([false, false]);
    way.become('open');
    let back = false;
    const again = taking().then(() => {
      back = true;
    });
    while (!back) await Promise.race([again, queue.add('ingest', {}).then(() => sleep(100))]);
    while (!(await queue.alive())) await sleep(100);
    expect(new Set(told).size).toBe(told.length);
  });
}
