import { type Job, JobPhase, type PrismaClient } from '../generated/prisma/client.ts';
import { type JobFailure, MAX_ATTEMPTS, RUNNING } from './jobs.ts';
import { int, oneOf, rows, text } from './sql/row.ts';

/** The columns of a job that its message in a queue is made of. */
export type JobInLine = Pick<Job, 'catalogId' | 'id' | 'phase' | 'fence'>;
const InLine = { catalogId: text, id: text, phase: oneOf('simili.job_phase', JobPhase), fence: int };

/** Jobs of all catalogs together: one look a second must not cost a statement for each catalog. */
export class AllJobs {
  constructor(private readonly db: PrismaClient) {}

  /**
   * Puts abandoned jobs back in line and ends those that used up their attempts. `staleSeconds` 0: nobody else can be
   * alive (an embedded database at its start). @returns all jobs in line whose time has come; the caller puts each into the queue of its phase.
   */
  async reclaim(staleSeconds: number): Promise<JobInLine[]> {
    await this.db.$executeRaw`
      UPDATE simili.job SET
        state = (CASE WHEN cancel_asked THEN 'CANCELLED' WHEN attempts >= ${MAX_ATTEMPTS} THEN 'FAILED' ELSE 'QUEUED' END)::simili.job_state,
        error = CASE WHEN attempts >= ${MAX_ATTEMPTS} THEN ${GAVE_UP}::jsonb ELSE error END,
        finished_at = CASE WHEN cancel_asked OR attempts >= ${MAX_ATTEMPTS} THEN now() END,
        fence = fence + 1, updated_at = now(), message = NULL, eta_seconds = NULL
      WHERE state = 'RUNNING' AND heartbeat_at <= now() - make_interval(secs => ${staleSeconds})`;
    const ofEnded = { where: { job: { state: { notIn: RUNNING } } } };
    await this.db.trainingRound.deleteMany(ofEnded);
    await this.db.checkpoint.deleteMany(ofEnded);
    return rows(this.db, InLine)`
      SELECT catalog_id AS "catalogId", id, phase, fence FROM simili.job
      WHERE state = 'QUEUED' AND (due_at IS NULL OR due_at <= now())`;
  }
}

const GAVE_UP = JSON.stringify({
  code: 'ENGINE_CRASHED',
  message: `Given up after ${MAX_ATTEMPTS} attempts that got no further and ended without a word`,
  retry: false,
} satisfies JobFailure);
