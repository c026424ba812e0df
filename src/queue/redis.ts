import { Redis } from 'ioredis';
import { SimiliError } from '../errors.ts';

const OLDEST = [6, 2];

/**
 * Refuses a Redis that would lose jobs: too old, or allowed to evict keys.
 * @throws SimiliError REDIS_UNAVAILABLE, REDIS_UNSUITABLE.
 */
export async function checkRedis(url: string): Promise<void> {
  const redis = new Redis(url, { lazyConnect: true, connectTimeout: 5_000, retryStrategy: () => null });
  redis.on('error', () => {}); // the rejected connect() tells
  try {
    await redis.connect().catch((error: Error) => {
      throw new SimiliError('REDIS_UNAVAILABLE', { why: `${error.message} (REDIS_URL)` });
    });
    const info = await redis.info();
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
  } finally {
    redis.disconnect();
  }
}

const read = (info: string, field: string): string => new RegExp(`^${field}:(\\S+)`, 'm').exec(info)?.[1] ?? 'unknown';
