import { Redis } from 'ioredis';
import { SimiliError } from '../errors.ts';

const OLDEST = [6, 2];

/**
 * Refuses a Redis that would lose jobs (too old, or allowed to evict keys), and a user who may not do what a queue does.
 * @param prefix of the keys that will be used
 * @throws SimiliError REDIS_UNAVAILABLE, REDIS_UNSUITABLE.
 */
export async function checkRedis(url: string, prefix: string): Promise<void> {
  const redis = new Redis(url, { lazyConnect: true, connectTimeout: 5_000, retryStrategy: () => null });
  let refused: Error | null = null;
  // What the server says to the password comes here, before connect() rejects for a lost connection.
  redis.on('error', (error: Error) => {
    refused ??= error;
  });
  try {
    await redis.connect().catch((error: Error) => {
      throw refused ?? error;
    });
    checkVersionAndPolicy(await redis.info());
    await tryOut(redis, `${prefix}:check-${crypto.randomUUID()}`);
  } catch (error) {
    throw error instanceof SimiliError ? error : toSimiliError(refused ?? (error as Error));
  } finally {
    redis.disconnect();
  }
}

function checkVersionAndPolicy(info: string): void {
  const version = read(info, 'redis_version');
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major < OLDEST[0]! || (major === OLDEST[0] && minor < OLDEST[1]!)) {
    throw new SimiliError('REDIS_UNSUITABLE', { why: `version ${version} is older than ${OLDEST.join('.')}` });
  }
  const policy = read(info, 'maxmemory_policy');
  if (policy !== 'noeviction') {
    throw new SimiliError('REDIS_UNSUITABLE', {
      why: `maxmemory-policy is ${policy}, so jobs could be thrown away: set it to noeviction`,
    });
  }
}

/** One command of each kind that BullMQ's scripts use, on keys under the prefix that are gone afterwards. */
async function tryOut(redis: Redis, key: string): Promise<void> {
  const script = `
    redis.call('SET', KEYS[1], '1') redis.call('DEL', KEYS[1])
    redis.call('HSET', KEYS[1], 'a', '1') redis.call('DEL', KEYS[1])
    redis.call('RPUSH', KEYS[1], '1') redis.call('DEL', KEYS[1])
    redis.call('SADD', KEYS[1], '1') redis.call('DEL', KEYS[1])
    redis.call('XADD', KEYS[1], '*', 'a', '1') redis.call('DEL', KEYS[1])
    redis.call('ZADD', KEYS[1], 0, '1')`;
  await redis.eval(script, 1, key);
  await redis.bzpopmin(key, 1);
}

/** A wrong name or password may be corrected on either side; a missing permission is Redis as it will not do. */
function toSimiliError(error: Error): SimiliError {
  const message = error.message || (error as NodeJS.ErrnoException).code || String(error);
  if (/NOPERM|no permissions|ACL failure/i.test(message)) {
    const why = `the user in REDIS_URL lacks a permission (${message}): give it +@all on the keys simili-*`;
    return new SimiliError('REDIS_UNSUITABLE', { why });
  }
  return new SimiliError('REDIS_UNAVAILABLE', { why: `${message} (REDIS_URL)` });
}

const read = (info: string, field: string): string => new RegExp(`^${field}:(\\S+)`, 'm').exec(info)?.[1] ?? 'unknown';
