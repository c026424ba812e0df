import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { createPostgresBackend, Queue, runMigrations, UnrecoverableError, Worker, withBackend } from 'bullmq';
import pg from 'pg';
import type { Storage } from '../db/storage.ts';
import { SimiliError } from '../errors.ts';
import { type Handler, type JobQueue, jobs, type Payload, type QueueName } from './jobs.ts';
import { checkRedis } from './redis.ts';

type Options = {
  /** Without it the queue lives in the database. */
  redisUrl?: string | undefined;
  storage: Pick<Storage, 'queue'>;
  /** Prefix of all keys in Redis; schemas keep queues apart in Postgres. */
  prefix?: string;
  /** Told of connection losses and of handlers that threw. */
  onError: (error: Error) => void;
};

/** A dead worker's message goes to another one after this long; a job's row guards against two at once. */
const LOCK_MS = 30_000;
const PATIENCE_MS = 3_000;

/** @throws SimiliError REDIS_UNAVAILABLE, REDIS_UNSUITABLE. */
export async function openQueue({ redisUrl, storage, prefix = 'simili', onError }: Options): Promise<JobQueue> {
  if (!redisUrl) return overPostgres(storage.queue, onError);
  await checkRedis(redisUrl);
  const connection = { url: redisUrl, maxRetriesPerRequest: null };
  return makeJobQueue({ Queue, Worker }, { connection, prefix }, onError, async () => {});
}

/** One pool for all queues. Each worker keeps one of its connections for LISTEN. */
async function overPostgres(queue: Storage['queue'], onError: (error: Error) => void): Promise<JobQueue> {
  const classes = withBackend(createPostgresBackend) as unknown as Classes;
  if (!('connectionString' in queue)) return makeJobQueue(classes, { connection: queue }, onError, async () => {});
  const pool = new pg.Pool({ ...queue, options: '-c search_path=bullmq', max: 20, application_name: 'simili-queue' });
  pool.on('error', onError);
  const client = await pool.connect();
  await runMigrations(client, 'bullmq').finally(() => client.release());
  return makeJobQueue(classes, { connection: pool }, onError, () => pool.end());
}

type Classes = { Queue: typeof Queue; Worker: typeof Worker };
type Connection = { connection: object; prefix?: string };

function makeJobQueue(
  { Queue, Worker }: Classes,
  base: Connection,
  onError: (error: Error) => void,
  end: () => Promise<void>,
): JobQueue {
  const queues = new Map<QueueName, Queue>();
  const workers: Worker[] = [];
  const stopping = new AbortController();

  const queueOf = (name: QueueName): Queue => {
    const known = queues.get(name);
    if (known) return known;
    const queue = new Queue(`simili-${name}`, base as never);
    queue.on('error', onError);
    queues.set(name, queue);
    return queue;
  };

  return {
    async add(name, payload, key) {
      const data = jobs[name].payload.parse(payload);
      const adding = queueOf(name).add(name, data, {
        attempts: jobs[name].attempts,
        backoff: { type: 'exponential', delay: 1000 },
        removeOnComplete: true,
        removeOnFail: true, // what became of it stands in Postgres
        ...(key ? { jobId: key } : {}),
      });
      await Promise.race([adding, outOfPatience(name)]).catch(onError);
      adding.catch(() => {}); // told above, or late
    },
    async work(name, handler, { everySeconds } = {}) {
      const worker = new Worker(`simili-${name}`, processor(name, handler, stopping.signal), {
        ...base,
        concurrency: 1,
        lockDuration: LOCK_MS,
        maxStalledCount: 5,
      } as never);
      worker.on('error', onError);
      worker.on('failed', (_job, error) => onError(error));
      workers.push(worker);
      await worker.waitUntilReady();
      if (everySeconds) {
        const opts = { removeOnComplete: true, removeOnFail: true };
        await queueOf(name).upsertJobScheduler(name, { every: everySeconds * 1000 }, { name, data: {}, opts });
      }
    },
    close: once(async () => {
      stopping.abort(new Error('shutting down'));
      await Promise.all(workers.map((worker) => worker.close()));
      await Promise.all([...queues.values()].map((queue) => queue.close()));
      await end();
    }),
  };
}

/** A queue that is away must not hold up whoever has committed already. */
async function outOfPatience(name: QueueName): Promise<never> {
  await sleep(PATIENCE_MS, null, { ref: false });
  throw new Error(`queue ${name} did not take a message in ${PATIENCE_MS} ms: maintenance will make up for it`);
}

/** Closing what is closed is no error: whoever comes second waits with the first. */
function once(act: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | null = null;
  return () => (done ??= act());
}

/** BullMQ's view of a handler: payload checked, an error that repeating cannot mend is not repeated. */
const processor =
  <N extends QueueName>(name: N, handler: Handler<N>, stopping: AbortSignal) =>
  async (job: { data: unknown }, _token?: string, signal?: AbortSignal): Promise<void> => {
    const payload = jobs[name].payload.parse(job.data) as Payload<N>;
    const either = AbortSignal.any(signal ? [signal, stopping] : [stopping]);
    setMaxListeners(0, either); // a handler fetches many pictures at once, and each listens
    try {
      await handler(payload, { signal: either });
    } catch (error) {
      if (error instanceof SimiliError && !error.retry) throw new UnrecoverableError(error.message);
      throw error;
    }
  };
