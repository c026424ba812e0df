import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { createPostgresBackend, FlowProducer, Queue, UnrecoverableError, Worker, withBackend } from 'bullmq';
import type { Storage } from '../db/session/storage.ts';
import { SimiliError } from '../errors.ts';
import { type Flow, type Handler, type JobQueue, jobs, type Payload, type QueueName, sideBySide } from './jobs.ts';
import { openQueuePool, ping } from './postgres.ts';
import { checkRedis } from './redis.ts';
import { LateMessage } from './tell.ts';

type Options = {
  /** Without it the queue lives in the database. */
  redisUrl?: string | undefined;
  storage: Pick<Storage, 'queue'>;
  /** Prefix of all keys in Redis, so that installations can share one; schemas keep queues apart in Postgres. */
  prefix: string;
  /** An idle worker looks by itself after this many seconds; what it is told of it takes at once. */
  idleSeconds?: number | undefined;
  /** Told of connection losses and of handlers that threw. */
  onError: (error: Error) => void;
};

/** A dead worker's message goes to another one after this long; a job's row guards against two at once. */
const LOCK_MS = 30_000;
const IDLE_SECONDS = 5;
/** How long whoever adds a message waits for the queue. */
const PATIENCE_MS = 150;
/** A queue that does not answer in this time is away. */
const ALIVE_MS = 2_000;
/** A message that was not taken in this time is told (LateMessage). */
const TELL_AFTER_MS = 3_000;
/** The same outage is told this often: every connection notices it, again and again. */
const TELL_EVERY_MS = 30_000;
/** A Redis that comes back is found within this. */
const RECONNECT_MS = 1_000;
/** A Redis that owes an answer for longer, beyond the time for which it was asked to wait, is gone, and its machine with it: nobody closes the connection. */
const SILENT_MS = 5_000;

/** @throws SimiliError REDIS_UNAVAILABLE, REDIS_UNSUITABLE, DATABASE_UNSUITABLE. */
export async function openQueue(options: Options): Promise<JobQueue> {
  const { redisUrl, storage, prefix, idleSeconds: drainDelay = IDLE_SECONDS, onError } = options;
  if (!redisUrl) return overPostgres(storage.queue, drainDelay, onError);
  await checkRedis(redisUrl, prefix);
  const socketTimeout = 1000 * drainDelay + SILENT_MS;
  const connection = { url: redisUrl, maxRetriesPerRequest: null, retryStrategy, reconnectOnError, socketTimeout };
  // While Redis is away a message is refused at once, not kept in memory: maintenance makes up for it.
  const adding = { ...connection, enableOfflineQueue: false, commandTimeout: TELL_AFTER_MS };
  const bases = { adding: { connection: adding, prefix }, working: { connection, prefix, drainDelay } };
  return makeJobQueue({ Queue, Worker, FlowProducer }, bases, onError);
}

/** One pool for all queues. */
async function overPostgres(
  queue: Storage['queue'],
  drainDelay: number,
  onError: (error: Error) => void,
): Promise<JobQueue> {
  const classes = withBackend(createPostgresBackend) as unknown as Classes;
  // An embedded queue is the session that everything else asks: it is there as long as the process is.
  if (!('connectionString' in queue))
    return makeJobQueue(classes, both({ connection: queue }, drainDelay), onError, { look: async () => {} });
  const pool = await openQueuePool(queue.connectionString, onError);
  const ownPool = { look: () => ping(pool, ALIVE_MS), end: () => pool.end() };
  return makeJobQueue(classes, both({ connection: pool }, drainDelay), onError, ownPool);
}

/** Differences between the places where a queue can live. */
type Place = {
  /** Throws when the queue is away. Default: removes what is not there, by the way that messages take: a replica, which takes none, answers questions. */
  look?: () => Promise<unknown>;
  end?: () => Promise<void>;
};

type Classes = { Queue: typeof Queue; Worker: typeof Worker; FlowProducer: typeof FlowProducer };
type Connection = { connection: object; prefix?: string };
type Connections = { adding: Connection; working: Connection & { drainDelay: number } };
const both = (one: Connection, drainDelay: number): Connections => ({ adding: one, working: { ...one, drainDelay } });
/** A primary that became a replica keeps its connections, and refuses what is asked by them: its name leads elsewhere by then. */
const reconnectOnError = ({ message }: Error): boolean => message.includes('READONLY');
const retryStrategy = (times: number): number => Math.min(100 * times, RECONNECT_MS);

function makeJobQueue(
  { Queue, Worker, FlowProducer }: Classes,
  { adding, working }: Connections,
  onError: (error: Error) => void,
  { look, end }: Place = {},
): JobQueue {
  const queues = new Map<QueueName, Queue>();
  const workers: Worker[] = [];
  const running = new Set<Promise<void>>();
  let producer: FlowProducer | null = null;
  const stopping = new AbortController();
  const tellOutage = nowAndThen(onError);

  const queueOf = (name: QueueName): Queue => {
    const known = queues.get(name);
    if (known) return known;
    const queue = new Queue(`simili-${name}`, adding as never);
    queue.on('error', tellOutage);
    queues.set(name, queue);
    return queue;
  };

  const alive = together(() => answers(look ? look() : queueOf('picture').removeDeduplicationKey('alive')));
  const flows = (): FlowProducer => {
    producer ??= new FlowProducer(adding as never).on('error', tellOutage);
    return producer;
  };
  /** A queue that is away must not hold up whoever has committed already. */
  const patiently = async (name: QueueName, added: Promise<unknown>): Promise<void> => {
    const taken = Promise.race([added, outOfPatience(name)]).catch(tellOutage);
    added.catch(() => {}); // told above, or late
    await Promise.race([taken, sleep(PATIENCE_MS, null, { ref: false })]);
  };

  return {
    async add(name, payload, key) {
      const data = jobs[name].payload.parse(payload);
      const once = key ? { deduplication: { id: key } } : {};
      await patiently(name, queueOf(name).add(name, data, { ...optionsOf(name), ...once }));
    },
    async addFlow(flow, key) {
      const tree = treeOf(flow, key);
      await patiently(flow.after.name, flows().add(tree));
    },
    async withdraw(name, key) {
      const queue = queueOf(name);
      const removed = queue.getDeduplicationJobId(key).then((id) => (id === null ? 0 : queue.remove(id)));
      await patiently(name, removed);
    },
    async work(name, handler) {
      const worker = new Worker(`simili-${name}`, processor(name, counted(handler, running), stopping.signal), {
        ...working,
        concurrency: sideBySide[name] ?? 1,
        lockDuration: LOCK_MS,
        maxStalledCount: 5,
      } as never);
      worker.on('error', tellOutage);
      // That a handler stopped because it was told to is no failure.
      worker.on('failed', (_job, error) => void (error === stopping.signal.reason || onError(error)));
      workers.push(worker);
      await worker.waitUntilReady();
    },
    alive,
    close: once(async () => {
      // One that is away cannot be told what became of its messages: there only the handlers are waited for.
      const isAway = workers.length > 0 && !(await alive());
      stopping.abort(new Error('shutting down'));
      if (isAway) await Promise.allSettled(running);
      await Promise.all(workers.map((worker) => worker.close(isAway)));
      await Promise.all([...queues.values(), ...(producer ? [producer] : [])].map(hangUp));
      await end?.();
    }),
  };
}

/** Where it is away there is nobody to say goodbye to, and a connection that is not ended would be made again and again. */
const hangUp = (one: Queue | FlowProducer): Promise<void> =>
  one.close().catch(() => {
    one.disconnect().catch(() => {}); // may never be told of its end
  });

const optionsOf = (name: QueueName) => ({
  attempts: jobs[name].attempts,
  backoff: { type: 'exponential', delay: 1000 },
  removeOnComplete: true,
  removeOnFail: true, // what became of it stands in Postgres
});

/** As BullMQ wants it: the one that follows is the parent of those before it. */
function treeOf<N extends QueueName, M extends QueueName>({ each, after }: Flow<N, M>, key: string) {
  const node = (name: QueueName, payload: unknown, own: string) => ({
    name,
    queueName: `simili-${name}`,
    data: jobs[name].payload.parse(payload),
    opts: { ...optionsOf(name), jobId: own },
  });
  return {
    ...node(after.name, after.payload, key),
    children: each.payloads.map((payload, i) => {
      const child = node(each.name, payload, `${key}-${i}`);
      return { ...child, opts: { ...child.opts, ignoreDependencyOnFailure: true } };
    }),
  };
}

async function outOfPatience(name: QueueName): Promise<never> {
  await sleep(TELL_AFTER_MS, null, { ref: false });
  throw new LateMessage(`queue ${name} did not take a message in ${TELL_AFTER_MS} ms: maintenance will make up for it`);
}

/** An error that was told a moment ago is not told again. */
function nowAndThen(tell: (error: Error) => void): (error: Error) => void {
  const toldAt = new Map<string, number>();
  return (error) => {
    const what = error.message || String((error as NodeJS.ErrnoException).code);
    const now = performance.now();
    if (now - (toldAt.get(what) ?? Number.NEGATIVE_INFINITY) < TELL_EVERY_MS) return;
    toldAt.set(what, now);
    tell(error);
  };
}

/** Whether it comes true within `ALIVE_MS`. */
async function answers(asked: Promise<unknown>): Promise<boolean> {
  const told = asked.then(
    () => true,
    () => false,
  );
  return Promise.race([told, sleep(ALIVE_MS, false, { ref: false })]);
}

/** Whoever asks while the answer is on its way waits for the same one. */
function together<T>(ask: () => Promise<T>): () => Promise<T> {
  let asked: Promise<T> | null = null;
  return () =>
    (asked ??= ask().finally(() => {
      asked = null;
    }));
}

/** Closing what is closed is no error: whoever comes second waits with the first. */
function once(act: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | null = null;
  return () => (done ??= act());
}

/** A message as its worker gets it. */
type Taken = { data: unknown; removeDeduplicationKey(): Promise<boolean> };

/** The same, each run of which is in `running` until it ends. */
const counted =
  <N extends QueueName>(handler: Handler<N>, running: Set<Promise<void>>): Handler<N> =>
  (payload, how) => {
    const run = handler(payload, how).finally(() => running.delete(run));
    running.add(run);
    return run;
  };

/**
 * BullMQ's view of a handler: its key is free again before it looks at anything, payload checked, an error that repeating cannot mend is
 * not repeated.
 */
const processor =
  <N extends QueueName>(name: N, handler: Handler<N>, stopping: AbortSignal) =>
  async (job: Taken, _token?: string, signal?: AbortSignal): Promise<void> => {
    await job.removeDeduplicationKey().catch(() => {}); // then it is free when this one ends
    stopping.throwIfAborted(); // the queue was away until it was closed
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
