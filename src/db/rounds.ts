import { Prisma, type PrismaClient, type TrainingRound } from '../generated/prisma/client.ts';
import type { Clock } from '../ports/clock.ts';
import type { Claim, JobRepository } from './jobs.ts';
import { bytesOf, bytesSql, TRANSACTION_OF_BYTES } from './sql/bytes.ts';
import { bool, float, int, orNull, rows, text } from './sql/row.ts';

/** One member's part of one round. `fence` is the coordinator's: for any other one nothing is taken or reported. */
export type Shard = { jobId: string; round: number; fence: number; member: number };
export type RoundKey = Omit<Shard, 'member'>;

/** `state` is what every member starts from (workers/training/network/state.ts), `checksum` its sha-256. */
export type Round = Omit<
  TrainingRound,
  'catalogId' | 'jobId' | 'settled' | 'openedAt' | 'settings' | 'pictures' | 'state'
> & {
  /** Trained on in the rounds before. */
  pictures: number;
  settings: Prisma.JsonObject;
  state: Uint8Array;
};
export type NewRound = Omit<Round, 'fence'>;

/** Outcome of a member's shard. */
export type ShardResult = {
  state: Uint8Array;
  checksum: string;
  /** Trained on. */
  pictures: number;
  loss: number;
  activeShare: number;
};

/** Ages are milliseconds on the database's clock: a machine's own may be off. */
export type RoundStatus = {
  openedMs: number;
  /** No message of the round is on its way any more. */
  settled: boolean;
  shards: { member: number; takenMs: number; reportedMs: number | null }[];
};

/**
 * Rounds of a training over several machines. A job has one row: the round that is open. Opening the next one replaces
 * it, so a round that is closed is one that is not there, and the newest state is always there to go on from.
 */
export class RoundRepository {
  constructor(
    private readonly db: PrismaClient,
    private readonly jobs: JobRepository,
    private readonly catalogId: string,
    private readonly clock: Clock,
  ) {}

  /** Closes the job's round, if there is one, and opens this one, together. @throws ClaimLost */
  async open(claim: Claim, round: NewRound): Promise<Round> {
    const key = this.ofJob(claim.job.id);
    const { settings, ...columns } = round;
    const data = {
      ...columns,
      settings: settings as Prisma.InputJsonObject,
      state: new Uint8Array(),
      fence: claim.fence,
      settled: false,
      openedAt: this.clock.now(),
    };
    await this.db.$transaction(async (tx) => {
      await this.jobs.hold(claim, tx);
      const before = await tx.trainingRound.findUnique({ where: { catalogId_jobId: key }, select: { round: true } });
      if (round.round > (before?.round ?? -1)) await this.jobs.progressed(claim, tx);
      await tx.trainingRound.upsert({ where: { catalogId_jobId: key }, create: { ...data, ...key }, update: data });
      await tx.trainingShard.deleteMany({ where: key }); // those of a training that starts over are of another state
      await tx.$executeRaw`
        UPDATE simili.training_round SET opened_at = now(), state = ${bytesSql(round.state)}
        WHERE catalog_id = ${key.catalogId} AND job_id = ${key.jobId}`;
    }, TRANSACTION_OF_BYTES);
    return { ...round, fence: claim.fence };
  }

  /**
   * The open round of a job whose coordinator is gone, now under this claim. What was reported stays: it started from the
   * same state. @throws ClaimLost
   */
  async adopt(claim: Claim): Promise<Round | null> {
    const key = this.ofJob(claim.job.id);
    return this.db.$transaction(async (tx) => {
      await this.jobs.hold(claim, tx);
      await tx.trainingShard.deleteMany({ where: { ...key, reportedAt: null } });
      await tx.$executeRaw`
        UPDATE simili.training_round SET fence = ${claim.fence}, settled = false, opened_at = now()
        WHERE catalog_id = ${key.catalogId} AND job_id = ${key.jobId}`;
      return readRound(tx, key);
    }, TRANSACTION_OF_BYTES);
  }

  /** The open round, if this is it. */
  async find({ jobId, round, fence }: RoundKey): Promise<Round | null> {
    if (!(await this.isOpen({ jobId, round, fence }))) return null;
    const row = await readRound(this.db, this.ofJob(jobId));
    return row && row.round === round && row.fence === fence ? row : null;
  }

  /** Whether results are still wanted: the round is open, its coordinator has the job, and nobody cancelled it. */
  async isOpen(key: RoundKey): Promise<boolean> {
    return (await rows(this.db, Wanted)`${this.wanted(key)}`).length > 0;
  }

  /** @returns false when the round is closed or the shard is reported already. Taking it again renews its time. */
  async take(shard: Shard): Promise<boolean> {
    const { jobId, round, member } = shard;
    const taken = await this.db.$executeRaw`
      INSERT INTO simili.training_shard (catalog_id, job_id, round, member, taken_at)
      SELECT ${this.catalogId}, ${jobId}, ${round}::int, ${member}::int, now() WHERE EXISTS (${this.wanted(shard)})
      ON CONFLICT (catalog_id, job_id, round, member) DO UPDATE SET taken_at = now() WHERE training_shard.reported_at IS NULL`;
    return taken > 0;
  }

  /** Somebody else may take it. */
  async giveBack({ jobId, round, member }: Shard): Promise<void> {
    await this.db.trainingShard.deleteMany({ where: { ...this.ofJob(jobId), round, member, reportedAt: null } });
  }

  /**
   * The first report of a shard counts, a later one changes nothing.
   * @returns false when it is refused: the round is closed, the coordinator another one, or the shard not taken.
   */
  async report(shard: Shard, result: ShardResult): Promise<boolean> {
    const { jobId, round, member } = shard;
    return this.db.$transaction(async (tx) => {
      // The round cannot be closed between this look and the commit.
      const open = await rows(tx, Wanted)`${this.wanted(shard)} FOR SHARE OF r`;
      if (open.length === 0) return false;
      const where = { ...this.ofJob(jobId), round, member };
      const known = await tx.trainingShard.findUnique({
        where: { catalogId_jobId_round_member: where },
        select: { takenAt: true },
      });
      await tx.trainingShard.updateMany({
        where: { ...where, reportedAt: null },
        data: { ...result, state: new Uint8Array() },
      });
      await tx.$executeRaw`
        UPDATE simili.training_shard SET reported_at = now(), state = ${bytesSql(result.state)}
        WHERE catalog_id = ${this.catalogId} AND job_id = ${jobId} AND round = ${round} AND member = ${member}
          AND reported_at IS NULL`;
      return known !== null;
    }, TRANSACTION_OF_BYTES);
  }

  /** All messages of the round were handled or given up: nothing more will come. */
  async settle({ jobId, round, fence }: RoundKey): Promise<void> {
    await this.db.trainingRound.updateMany({
      where: { ...this.ofJob(jobId), round, fence },
      data: { settled: true },
    });
  }

  /** @returns null when this round is not open. */
  async status({ jobId, round, fence }: RoundKey): Promise<RoundStatus | null> {
    const [row] = await rows(this.db, { openedMs: float, settled: bool })`
      SELECT ${ageOf('opened_at')} AS "openedMs", settled FROM simili.training_round
      WHERE catalog_id = ${this.catalogId} AND job_id = ${jobId} AND round = ${round} AND fence = ${fence}`;
    if (!row) return null;
    const shards = await rows(this.db, { member: int, takenMs: float, reportedMs: orNull(float) })`
      SELECT member, ${ageOf('taken_at')} AS "takenMs", ${ageOf('reported_at')} AS "reportedMs"
      FROM simili.training_shard
      WHERE catalog_id = ${this.catalogId} AND job_id = ${jobId} AND round = ${round} ORDER BY member`;
    return { ...row, shards };
  }

  /** Outcomes so far, by member. `tookMs`: from taking to reporting. */
  async results({ jobId, round }: RoundKey): Promise<(ShardResult & { member: number; tookMs: number })[]> {
    const shards = await this.db.trainingShard.findMany({
      where: { ...this.ofJob(jobId), round, reportedAt: { not: null } },
      orderBy: { member: 'asc' },
      omit: { state: true },
    });
    const states = await rows(this.db, { member: int, state: orNull(text) })`
      SELECT member, encode(state, 'base64') AS state FROM simili.training_shard
      WHERE catalog_id = ${this.catalogId} AND job_id = ${jobId} AND round = ${round} AND reported_at IS NOT NULL`;
    const stateOf = new Map(
      states.flatMap(({ member, state }) => (state === null ? [] : [[member, bytesOf(state)] as const])),
    );
    return shards.flatMap(({ member, takenAt, reportedAt, checksum, pictures, loss, activeShare }) => {
      const state = stateOf.get(member);
      if (!state || checksum === null || !reportedAt) return [];
      const numbers = { pictures: pictures ?? 0, loss: loss ?? 0, activeShare: activeShare ?? 0 };
      return [{ member, state, checksum, ...numbers, tookMs: reportedAt.getTime() - takenAt.getTime() }];
    });
  }

  private ofJob(jobId: string): JobKey {
    return { catalogId: this.catalogId, jobId };
  }

  /** One row where the round of this key takes results. */
  private wanted({ jobId, round, fence }: RoundKey): Prisma.Sql {
    return Prisma.sql`
      SELECT 1 AS one FROM simili.training_round r JOIN simili.job j ON j.catalog_id = r.catalog_id AND j.id = r.job_id
      WHERE r.catalog_id = ${this.catalogId} AND r.job_id = ${jobId} AND r.round = ${round} AND r.fence = ${fence}
        AND j.fence = ${fence} AND j.state = 'RUNNING' AND NOT j.cancel_asked`;
  }
}

const Wanted = { one: int };

type JobKey = { catalogId: string; jobId: string };

const ageOf = (column: 'opened_at' | 'taken_at' | 'reported_at'): Prisma.Sql =>
  Prisma.raw(`(extract(epoch FROM now() - ${column}) * 1000)::float8`);

async function readRound(db: Prisma.TransactionClient, key: JobKey): Promise<Round | null> {
  const row = await db.trainingRound.findUnique({ where: { catalogId_jobId: key }, omit: { state: true } });
  const [bytes] = await rows(db, { state: text })`
    SELECT encode(state, 'base64') AS state FROM simili.training_round
    WHERE catalog_id = ${key.catalogId} AND job_id = ${key.jobId}`;
  return row && bytes ? roundOf(row, bytesOf(bytes.state)) : null;
}

function roundOf(row: Omit<TrainingRound, 'state'>, state: Uint8Array): Round {
  const { catalogId: _c, jobId: _j, settled: _s, openedAt: _o, settings, pictures, ...rest } = row;
  return { ...rest, state, pictures: Number(pictures), settings: settings as Prisma.JsonObject };
}
