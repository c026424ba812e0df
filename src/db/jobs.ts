import { SimiliError } from '../errors.ts';
import {
  type Job,
  type JobKind,
  type JobPhase,
  JobState,
  Prisma,
  type PrismaClient,
} from '../generated/prisma/client.ts';
import type { Clock } from '../ports/clock.ts';
import { bytesOf, bytesSql, TRANSACTION_OF_BYTES } from './sql/bytes.ts';
import { lastRead } from './sql/last-read.ts';
import { bool, int, oneOf, rows, text } from './sql/row.ts';

export type { JobKind, JobPhase };
export { JobState };
export type JobRow = Job;
/** A worker's right to a job. It ends when somebody else claims the job: every later write of the old holder is refused. */
export type Claim = { job: JobRow; fence: number };
export type Progress = {
  progress?: number;
  etaSeconds?: number | null;
  message?: string;
  engine?: string;
  curve?: CurvePoint[];
  /** Something was committed that the next worker goes on from: attempts before it were not in vain. */
  attempts?: 0;
};
export type CurvePoint = { step: number; loss: number; activeShare: number; precision?: number };
export type JobFailure = { code: string; message: string; retry: boolean };

/**
 * A holder that gave no sign for this long is taken for dead: 16 heartbeats (workers/jobs/claimed.ts). With maintenance that
 * looks every second another worker goes on within 10 s. One that was only slow loses its claim and writes nothing more.
 */
export const STALE_AFTER_SECONDS = 8;
/** A job that took this many workers with it, one after the other and without progress, is not given to another one. */
export const MAX_ATTEMPTS = 5;

export const RUNNING: JobState[] = ['QUEUED', 'RUNNING'];

export class JobRepository {
  constructor(
    private readonly db: PrismaClient,
    private readonly catalogId: string,
    private readonly clock: Clock,
  ) {}

  /** @throws SimiliError JOB_ALREADY_RUNNING naming the job that is on its way: there is at most one in a catalog. */
  async create(kind: JobKind, request: Prisma.InputJsonValue, requestedBy: string): Promise<JobRow> {
    const { catalogId } = this;
    for (;;) {
      try {
        const id = `job_${crypto.randomUUID()}`;
        return await this.db.job.create({ data: { catalogId, id, kind, request, requestedBy } });
      } catch (error) {
        if (!isUniqueViolation(error)) throw error;
        const running = await this.running();
        if (running) throw new SimiliError('JOB_ALREADY_RUNNING', { jobId: running.id });
        // It ended before it could be named: there is room now.
      }
    }
  }

  byId(id: string): Promise<JobRow | null> {
    return this.db.job.findUnique({ where: { catalogId_id: this.key(id) } });
  }

  /**
   * Newest first. @param after id of the last one that was read, which may be in another state by now; null: from the newest on
   * @throws SimiliError CURSOR_INVALID where there is none of it
   */
  async list(limit: number, states?: readonly JobState[], after: string | null = null): Promise<JobRow[]> {
    const { catalogId } = this;
    const last = await lastRead(after, (id) => this.byId(id));
    const where = {
      catalogId,
      ...(states && { state: { in: [...states] } }),
      ...(last && { OR: [{ createdAt: { lt: last.createdAt } }, { createdAt: last.createdAt, id: { lt: last.id } }] }),
    };
    return this.db.job.findMany({ where, orderBy: [{ createdAt: 'desc' }, { id: 'desc' }], take: limit });
  }

  running(): Promise<JobRow | null> {
    return this.db.job.findFirst({ where: { catalogId: this.catalogId, state: { in: RUNNING } } });
  }

  /** The newest job of a kind, and in a state. */
  last(kind: JobKind, state?: JobState): Promise<JobRow | null> {
    const where = { catalogId: this.catalogId, kind, ...(state && { state }) };
    return this.db.job.findFirst({ where, orderBy: { createdAt: 'desc' } });
  }

  /** @returns null when the job is not to be run: elsewhere already, in another phase, settled. */
  async claim(id: string, phase: JobPhase): Promise<Claim | null> {
    const [row] = await rows(this.db, { fence: int })`
      UPDATE simili.job SET state = 'RUNNING', fence = fence + 1, attempts = attempts + 1, heartbeat_at = now(),
        started_at = coalesce(started_at, now()), updated_at = now()
      WHERE catalog_id = ${this.catalogId} AND id = ${id} AND phase = ${phase}::simili.job_phase
        AND ((state = 'QUEUED' AND (due_at IS NULL OR due_at <= now())) OR (state = 'RUNNING' AND heartbeat_at < now() - make_interval(secs => ${STALE_AFTER_SECONDS})))
      RETURNING fence`;
    const job = row && (await this.byId(id));
    return job ? { job, fence: row.fence } : null;
  }

  /**
   * The time is the database's: a worker's clock may be off by more than it takes to be given up.
   * @returns 'cancel' when the job should stop, 'lost' when somebody else holds it.
   */
  async heartbeat({ job, fence }: Claim, news: Progress = {}): Promise<'held' | 'lost' | 'cancel'> {
    const [row] = await rows(this.db, { cancelAsked: bool })`
      UPDATE simili.job SET heartbeat_at = now()
      WHERE catalog_id = ${this.catalogId} AND id = ${job.id} AND fence = ${fence} AND state = 'RUNNING'
      RETURNING cancel_asked AS "cancelAsked"`;
    if (!row) return 'lost';
    if (Object.keys(news).length > 0) {
      const data = { ...news, updatedAt: this.clock.now() };
      await this.db.job.updateMany({ where: { ...this.key(job.id), fence, state: 'RUNNING' }, data });
    }
    return row.cancelAsked ? 'cancel' : 'held';
  }

  /**
   * Hands the job to its next phase, or ends it with DONE. Use inside the transaction that commits the phase's effect.
   * `message`: what came of it; what the worker was doing until now is not what the job does any more, nor is what once went wrong why it is tried again.
   */
  async advance(
    { job, fence }: Claim,
    phase: JobPhase,
    modelId: string,
    tx: Prisma.TransactionClient,
    message: string | null = null,
  ): Promise<void> {
    const done = phase === 'DONE';
    const now = this.clock.now();
    const data = {
      phase,
      modelId,
      message,
      updatedAt: now,
      etaSeconds: null,
      error: Prisma.DbNull,
      ...(done
        ? { state: 'SUCCEEDED' as const, progress: 1, finishedAt: now }
        : { state: 'QUEUED' as const, attempts: 0 }),
    };
    await this.fenced(tx, this.key(job.id), fence, data);
    const ofJob = { catalogId: this.catalogId, jobId: job.id };
    if (done) await tx.checkpoint.deleteMany({ where: ofJob });
    await tx.trainingRound.deleteMany({ where: ofJob });
  }

  /** Call first in a transaction: nobody else can claim the job until it ends. @throws ClaimLost */
  async hold({ job, fence }: Claim, tx: Prisma.TransactionClient): Promise<void> {
    await this.fenced(tx, this.key(job.id), fence, {});
  }

  /**
   * A retryable failure queues the job again until its attempts are used up. Safe to repeat.
   * @param pauseSeconds before which nobody claims it again
   * @returns the state it is in now; null: the claim was lost, or this was told before.
   */
  async fail({ job, fence }: Claim, error: JobFailure, pauseSeconds = 0): Promise<JobState | null> {
    const [row] = await rows(this.db, { state: oneOf('simili.job_state', JobState) })`
      UPDATE simili.job SET error = ${JSON.stringify(error)}::jsonb, message = NULL, eta_seconds = NULL, updated_at = now(),
        state = (CASE WHEN ${error.retry} AND attempts < ${MAX_ATTEMPTS} THEN 'QUEUED' ELSE 'FAILED' END)::simili.job_state,
        finished_at = CASE WHEN ${error.retry} AND attempts < ${MAX_ATTEMPTS} THEN NULL ELSE now() END,
        due_at = now() + make_interval(secs => ${pauseSeconds})
      WHERE catalog_id = ${this.catalogId} AND id = ${job.id} AND fence = ${fence} AND state = 'RUNNING'
      RETURNING state`;
    return row?.state ?? null;
  }

  /** Something was committed that the next worker goes on from. Use inside the transaction that holds the claim. */
  async progressed({ job, fence }: Claim, tx: Prisma.TransactionClient): Promise<void> {
    await this.fenced(tx, this.key(job.id), fence, { attempts: 0 });
  }

  /** Ends a job that was asked to stop. */
  async settleCancelled({ job, fence }: Claim): Promise<void> {
    const now = this.clock.now();
    await this.db.job.updateMany({
      where: { ...this.key(job.id), fence, state: 'RUNNING' },
      data: { state: 'CANCELLED', updatedAt: now, finishedAt: now, message: null, etaSeconds: null },
    });
  }

  /** Gives a claimed job back at shutdown: another worker goes on at once, and it was no failed attempt. */
  async release({ job, fence }: Claim): Promise<void> {
    await this.db.$executeRaw`
      UPDATE simili.job SET state = 'QUEUED', fence = fence + 1, attempts = greatest(attempts - 1, 0), updated_at = now(),
        message = NULL, eta_seconds = NULL
      WHERE catalog_id = ${this.catalogId} AND id = ${job.id} AND fence = ${fence} AND state = 'RUNNING'`;
  }

  /**
   * A waiting job ends at once; a running one is told by its next heartbeat. One statement: between two a job can be handed on to its next
   * phase, and waits again. @throws SimiliError NOT_FOUND, JOB_NOT_CANCELLABLE.
   */
  async cancel(id: string): Promise<JobRow> {
    const now = this.clock.now();
    const asked = await this.db.$executeRaw`
      UPDATE simili.job SET cancel_asked = true, updated_at = ${now},
        state = CASE state WHEN 'QUEUED' THEN 'CANCELLED' ELSE state END,
        finished_at = CASE state WHEN 'QUEUED' THEN ${now}::timestamptz ELSE finished_at END
      WHERE catalog_id = ${this.catalogId} AND id = ${id} AND state IN ('QUEUED', 'RUNNING')`;
    const job = await this.byId(id);
    if (!job) throw new SimiliError('NOT_FOUND', { what: 'job', id });
    if (asked === 0) throw new SimiliError('JOB_NOT_CANCELLABLE', { jobId: id, state: job.state });
    return job;
  }

  async saveCheckpoint({ job, fence }: Claim, step: number, checksum: string, state: Uint8Array): Promise<void> {
    const { catalogId } = this;
    const key = { catalogId, jobId: job.id };
    await this.db.$transaction(async (tx) => {
      await this.fenced(tx, this.key(job.id), fence, {});
      const before = await tx.checkpoint.findUnique({ where: { catalogId_jobId: key }, select: { step: true } });
      if (step > (before?.step ?? -1)) await this.progressed({ job, fence }, tx);
      await tx.$executeRaw`
        INSERT INTO simili.checkpoint (catalog_id, job_id, step, checksum, state, created_at)
        VALUES (${catalogId}, ${job.id}, ${step}::int, ${checksum}, ${bytesSql(state)}, now())
        ON CONFLICT (catalog_id, job_id) DO UPDATE SET
          step = excluded.step, checksum = excluded.checksum, state = excluded.state, created_at = excluded.created_at`;
    }, TRANSACTION_OF_BYTES);
  }

  async checkpoint(jobId: string): Promise<{ step: number; checksum: string; state: Uint8Array } | null> {
    const [row] = await rows(this.db, { step: int, checksum: text, state: text })`
      SELECT step, checksum, encode(state, 'base64') AS state FROM simili.checkpoint
      WHERE catalog_id = ${this.catalogId} AND job_id = ${jobId}`;
    return row ? { ...row, state: bytesOf(row.state) } : null;
  }

  /** The row lock holds off a new claim until the transaction commits. */
  private async fenced(
    tx: Prisma.TransactionClient,
    key: Key,
    fence: number,
    data: Prisma.JobUpdateManyMutationInput,
  ): Promise<void> {
    const { count } = await tx.job.updateMany({
      where: { ...key, fence, state: 'RUNNING' },
      data: { updatedAt: this.clock.now(), ...data },
    });
    if (count === 0) throw new ClaimLost(`job ${key.id}, claim ${fence}`);
  }

  private key(id: string): Key {
    return { catalogId: this.catalogId, id };
  }
}

type Key = { catalogId: string; id: string };

/** Thrown where a claim was lost between its check and its commit; the transaction leaves nothing behind. */
export class ClaimLost extends Error {}

const isUniqueViolation = (error: unknown): boolean =>
  error instanceof Prisma.PrismaClientKnownRequestError && error.code === 'P2002';
