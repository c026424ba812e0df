import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { checkRedis } from '../../src/queue/redis.ts';
import { redisUrl } from '../support/services.ts';

/** A server on a socket that answers INFO as told: the shared Redis of the tests must not be reconfigured under others. */
async function serverThatSays(info: string): Promise<string> {
  const server = createServer((socket) => {
    socket.on('data', (bytes) => {
      // RESP: one array a command; ioredis sends a few of its own before INFO.
      for (const command of bytes
        .toString()
        .split(/^\*\d+\r\n/m)
        .filter(Boolean)) {
        socket.write(/info/i.test(command) ? `$${info.length}\r\n${info}\r\n` : '+OK\r\n');
      }
    });
    socket.on('error', () => {});
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return `redis://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('a Redis that is not there is said in one sentence', async () => {
  await expect(checkRedis('redis://127.0.0.1:1')).rejects.toMatchObject({ code: 'REDIS_UNAVAILABLE', retry: true });
});

test('a Redis that may evict jobs is refused, and so is one that is too old', async () => {
  const evicting = await serverThatSays('redis_version:7.2.4\r\nmaxmemory_policy:allkeys-lru\r\n');
  await expect(checkRedis(evicting)).rejects.toMatchObject({
    code: 'REDIS_UNSUITABLE',
    message: expect.stringContaining('noeviction'),
  });
  const old = await serverThatSays('redis_version:6.0.16\r\nmaxmemory_policy:noeviction\r\n');
  await expect(checkRedis(old)).rejects.toMatchObject({
    code: 'REDIS_UNSUITABLE',
    message: expect.stringContaining('6.0.16'),
  });
  await checkRedis(await serverThatSays('redis_version:6.2.0\r\nmaxmemory_policy:noeviction\r\n'));
});

test('the Redis under test is a suitable one', { tags: ['redis'] }, () => checkRedis(redisUrl()));
