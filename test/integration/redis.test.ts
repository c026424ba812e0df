import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { checkRedis } from '../../src/queue/redis.ts';
import { redisUrl } from '../support/services.ts';

/** A server on a socket that answers INFO as told: the shared Redis of the tests must not be reconfigured under others. */
async function serverThatSays(info: string, refuse: (command: string) => string | null = () => null): Promise<string> {
  const server = createServer((socket) => {
    socket.on('data', (bytes) => {
      // RESP: one array a command; ioredis sends a few of its own before INFO.
      for (const command of bytes
        .toString()
        .split(/^\*\d+\r\n/m)
        .filter(Boolean)) {
        const refusal = refuse(command);
        if (refusal) socket.write(`-${refusal}\r\n`);
        else socket.write(/info/i.test(command) ? `$${info.length}\r\n${info}\r\n` : '+OK\r\n');
      }
    });
    socket.on('error', () => {});
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return `redis://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('a Redis that is not there is said in one sentence', async () => {
  await expect(checkRedis('redis://127.0.0.1:1', 'test')).rejects.toMatchObject({
    code: 'REDIS_UNAVAILABLE',
    retry: true,
  });
});

test('a Redis that may evict jobs is refused, and so is one that is too old', async () => {
  const evicting = await serverThatSays('redis_version:7.2.4\r\nmaxmemory_policy:allkeys-lru\r\n');
  await expect(checkRedis(evicting, 'test')).rejects.toMatchObject({
    code: 'REDIS_UNSUITABLE',
    message: expect.stringContaining('noeviction'),
  });
  const old = await serverThatSays('redis_version:6.0.16\r\nmaxmemory_policy:noeviction\r\n');
  await expect(checkRedis(old, 'test')).rejects.toMatchObject({
    code: 'REDIS_UNSUITABLE',
    message: expect.stringContaining('6.0.16'),
  });
  await checkRedis(await serverThatSays('redis_version:6.2.0\r\nmaxmemory_policy:noeviction\r\n'), 'test');
});

test('a wrong password and a missing permission are each a sentence with a code', async () => {
  const password = 'WRONGPASS invalid username-password pair or user is disabled.';
  const locked = await serverThatSays('', (command) => (/auth|info/i.test(command) ? password : null));
  await expect(checkRedis(locked.replace('//', '//someone:wrong@'), 'test')).rejects.toMatchObject({
    code: 'REDIS_UNAVAILABLE',
    message: expect.stringContaining(password),
  });
  const sound = 'redis_version:7.2.4\r\nmaxmemory_policy:noeviction\r\n';
  const permission = "NOPERM User shop has no permissions to run the 'eval' command";
  const strict = await serverThatSays(sound, (command) => (/eval/i.test(command) ? permission : null));
  await expect(checkRedis(strict, 'test')).rejects.toMatchObject({
    code: 'REDIS_UNSUITABLE',
    message: expect.stringContaining(permission),
  });
  const blind = await serverThatSays(sound, (command) => (/info/i.test(command) ? permission : null));
  await expect(checkRedis(blind, 'test')).rejects.toMatchObject({ code: 'REDIS_UNSUITABLE' });
});

test('the Redis under test is a suitable one', { tags: ['redis'] }, () =>
  checkRedis(redisUrl(), `test-${crypto.randomUUID()}`),
);
