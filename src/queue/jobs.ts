import { z } from 'zod';
import { DEFAULT_CATALOG } from '../catalog-id.ts';

const count = z.int().min(0);
/** Whose it is. Messages of before there were several have none. */
const catalog = z.string().min(1).default(DEFAULT_CATALOG);

/**
 * The job contract: what crosses the queue is ids, never rows or tensors. Parsed when added and again when run.
 * A model job (Postgres table `job`) moves through the queues train → embed → evaluate under one id.
 * `attempts`: deliveries of one message; that a job is not lost is the table's business (workers/handlers/maintenance.ts).
 */
export const jobs = {
  train: { attempts: 1, payload: z.object({ catalog, jobId: z.string().min(1) }) },
  embed: { attempts: 1, payload: z.object({ catalog, jobId: z.string().min(1) }) },
  evaluate: { attempts: 1, payload: z.object({ catalog, jobId: z.string().min(1) }) },
  /** One member's shard of a round of a training over several machines; another worker tries when one gives up. */
  round: {
    attempts: 3,
    payload: z.object({ catalog, jobId: z.string().min(1), round: count, fence: count, member: count }),
  },
  /** Follows a round's shards: all were handled or given up. */
  gather: { attempts: 3, payload: z.object({ catalog, jobId: z.string().min(1), round: count, fence: count }) },
  /** A wake-up: fetch, decode and embed whatever pictures of a catalog are pending. */
  ingest: { attempts: 3, payload: z.object({ catalog }) },
  /** A picture that somebody searches by, and waits (src/db/picture-queries.ts). */
  picture: { attempts: 1, payload: z.object({ catalog, id: z.uuid() }) },
  /** No message: the name under which a worker takes part in what is done on a schedule (workers/jobs/chores.ts). */
  maintenance: { attempts: 1, payload: z.object({}) },
} as const;

/** Messages that a worker takes side by side; of all others one at a time. Fetching a picture is mostly waiting. */
export const sideBySide: Partial<Record<keyof typeof jobs, number>> = { picture: 4 };

export type QueueName = keyof typeof jobs;
export const queueNames = Object.keys(jobs) as QueueName[];
export type Payload<N extends QueueName> = z.infer<(typeof jobs)[N]['payload']>;

/**
 * Knows no BullMQ type: runs in a worker, in a test, or inline. May be called twice with the same payload, also at the
 * same time. `signal` aborts on shutdown.
 */
export type Handler<N extends QueueName> = (payload: Payload<N>, run: { signal: AbortSignal }) => Promise<void>;

/** Messages side by side, and the one that follows them. */
export type Flow<N extends QueueName, M extends QueueName> = {
  each: { name: N; payloads: readonly Payload<N>[] };
  after: { name: M; payload: Payload<M> };
};

export interface JobQueue {
  /**
   * Returns once the message is durable, and where the queue is away or slow soon after: a message is a hint, what it
   * would have woken stands in Postgres, and maintenance finds it. `key`: at most one waiting message of that key; one
   * that was taken does not count, as what is added behind it may not be seen by its handler.
   */
  add<N extends QueueName>(name: N, payload: Payload<N>, key?: string): Promise<void>;
  /**
   * Adds many messages and one that is delivered when each of them was handled or given up: a lost one holds up nobody.
   * All or none are added; returns as `add` does. `key`: of one key at most one flow is on its way.
   */
  addFlow<N extends QueueName, M extends QueueName>(flow: Flow<N, M>, key: string): Promise<void>;
  /** Takes a message back that waits, where there is one of that key. */
  withdraw(name: QueueName, key: string): Promise<void>;
  /** Starts taking messages of one queue, one at a time or as `sideBySide` says. */
  work<N extends QueueName>(name: N, handler: Handler<N>): Promise<void>;
  /** Whether the queue would take a message now; false after two seconds without an answer. Many may ask at once. */
  alive(): Promise<boolean>;
  /** Takes no new message, aborts the running handlers' signals, waits for them. */
  close(): Promise<void>;
}
