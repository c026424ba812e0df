import { SimiliError } from '../errors.ts';
import type { ModelKind, ModelState, ModelVersion, Prisma, PrismaClient } from '../generated/prisma/client.ts';
import { pictureSpace, type VersionSpace } from '../ports/space.ts';
import { bytesOf, bytesSql, TRANSACTION_OF_BYTES } from './bytes.ts';
import type { Claim, JobRepository } from './jobs.ts';

export type { ModelKind, ModelState };
/** A version without its artefact, which may be large. */
export type ModelRow = Omit<ModelVersion, 'artefact'>;
export type NewModel = {
  kind: ModelKind;
  parentId: string | null;
  dimensions: number;
  checksum: string;
  artefact: Uint8Array;
  metrics: Prisma.InputJsonObject;
  /** Beside the space of its pictures; default none. */
  spaces?: readonly VersionSpace[];
};
/** `measured` false: there was nothing to measure, and it passed for want of a reason not to. */
export type Gate = { name: string; passed: boolean; measured: boolean; reason: string };
/** Which version answers, and in which spaces. `epoch` changes with every promotion and rollback. */
export type ServingPointer = { modelId: string; number: number; epoch: number; spaces: readonly VersionSpace[] };

/** Spaces of a version: its pictures' first. */
export const spacesOf = ({ dimensions, spaces }: Pick<ModelRow, 'dimensions' | 'spaces'>): VersionSpace[] => [
  pictureSpace(dimensions),
  ...(spaces as VersionSpace[]),
];

const withoutArtefact = { artefact: true } as const;

export class ModelRepository {
  constructor(
    private readonly db: PrismaClient,
    private readonly jobs: JobRepository,
  ) {}

  byId(id: string): Promise<ModelRow | null> {
    return this.db.modelVersion.findUnique({ where: { id }, omit: withoutArtefact });
  }

  /** The version a job has trained. */
  ofJob(jobId: string): Promise<ModelRow> {
    return this.db.modelVersion.findUniqueOrThrow({ where: { jobId }, omit: withoutArtefact });
  }

  /** Whether a version of this kind was ever trained, whatever became of it. */
  async anyOfKind(kind: ModelKind): Promise<boolean> {
    return (await this.db.modelVersion.findFirst({ where: { kind }, select: { id: true } })) !== null;
  }

  /** Newest first. */
  list(limit: number): Promise<ModelRow[]> {
    return this.db.modelVersion.findMany({ orderBy: { number: 'desc' }, take: limit, omit: withoutArtefact });
  }

  async artefact(id: string): Promise<{ checksum: string; artefact: Uint8Array } | null> {
    const [row] = await this.db.$queryRaw<{ checksum: string; artefact: string }[]>`
      SELECT checksum, encode(artefact, 'base64') AS artefact FROM simili.model_version WHERE id = ${id}`;
    return row ? { ...row, artefact: bytesOf(row.artefact) } : null;
  }

  async serving(): Promise<ServingPointer | null> {
    const [row] = await this.db.$queryRaw<(Omit<ServingPointer, 'spaces'> & Pick<ModelRow, 'dimensions' | 'spaces'>)[]>`
      SELECT m.id AS "modelId", m.number, s.epoch, m.dimensions, m.spaces
      FROM simili.serving s JOIN simili.model_version m ON m.id = s.active_id`;
    return row ? { modelId: row.modelId, number: row.number, epoch: row.epoch, spaces: spacesOf(row) } : null;
  }

  async active(): Promise<ModelRow | null> {
    const pointer = await this.serving();
    return pointer && this.byId(pointer.modelId);
  }

  /** Versions that must hold a vector of every product: the active one and those kept for rollback. */
  live(): Promise<ModelRow[]> {
    return this.db.modelVersion.findMany({ where: { state: { in: ['ACTIVE', 'STANDBY'] } }, omit: withoutArtefact });
  }

  /** Commits a trained version and hands the job on to EMBED, together. */
  async commitTrained(claim: Claim, model: NewModel): Promise<ModelRow> {
    const id = `mdl_${crypto.randomUUID()}`;
    return this.db.$transaction(async (tx) => {
      await this.jobs.hold(claim, tx);
      const { artefact, ...row } = await tx.modelVersion.create({
        data: {
          ...model,
          spaces: [...(model.spaces ?? [])],
          id,
          jobId: claim.job.id,
          artefact: new Uint8Array(),
          number: await nextNumber(tx),
        },
      });
      await tx.$executeRaw`UPDATE simili.model_version SET artefact = ${bytesSql(model.artefact)} WHERE id = ${id}`;
      await this.jobs.advance(claim, 'EMBED', row.id, tx);
      return row;
    }, TRANSACTION_OF_BYTES);
  }

  /** The version is embedded and indexed: the job goes on to EVALUATE. */
  async commitEmbedded(claim: Claim, modelId: string): Promise<void> {
    await this.db.$transaction(async (tx) => {
      await tx.modelVersion.update({ where: { id: modelId }, data: { state: 'CANDIDATE' } });
      await this.jobs.advance(claim, 'EVALUATE', modelId, tx);
    }, TRANSACTION_OF_BYTES);
  }

  /** Ends the job: the version serves from this commit on when every gate passed, else it is REJECTED. */
  async commitEvaluated(
    claim: Claim,
    modelId: string,
    metrics: Prisma.InputJsonValue,
    gates: Gate[],
  ): Promise<ModelState> {
    return this.db.$transaction(async (tx) => {
      const state = gates.every((gate) => gate.passed) ? 'ACTIVE' : 'REJECTED';
      await tx.modelVersion.update({ where: { id: modelId }, data: { metrics, gates, state: 'CANDIDATE' } });
      if (state === 'ACTIVE') await activate(tx, modelId, 'CANDIDATE');
      else await tx.modelVersion.update({ where: { id: modelId }, data: { state } });
      const red = gates.flatMap(({ name, passed }) => (passed ? [] : [name]));
      const outcome = red.length === 0 ? 'The new version serves' : `The new version does not serve: ${red.join(', ')}`;
      await this.jobs.advance(claim, 'DONE', modelId, tx, outcome);
      return state;
    }, TRANSACTION_OF_BYTES);
  }

  /**
   * Moves the serving pointer back to `modelId`, or to the version that served before.
   * @throws SimiliError NOT_FOUND, MODEL_NOT_SERVABLE, NOTHING_TO_ROLL_BACK_TO.
   */
  async rollback(modelId: string | null): Promise<ModelRow> {
    return this.db.$transaction(async (tx) => {
      const serving = await lockServing(tx);
      const target = modelId ?? serving.previousId;
      if (!target) throw new SimiliError('NOTHING_TO_ROLL_BACK_TO');
      const model = await tx.modelVersion.findUnique({ where: { id: target }, omit: withoutArtefact });
      if (!model) throw new SimiliError('NOT_FOUND', { what: 'model version', id: target });
      if (model.state !== 'STANDBY') throw new SimiliError('MODEL_NOT_SERVABLE', { model: target, state: model.state });
      await activate(tx, target, 'STANDBY');
      return tx.modelVersion.findUniqueOrThrow({ where: { id: target }, omit: withoutArtefact });
    });
  }

  /** Versions whose vectors nobody needs: rejected ones, orphans of ended jobs, standbys beyond the newest `keep`. */
  async retirable(keep: number): Promise<ModelRow[]> {
    return this.db.$queryRaw<ModelRow[]>`
      SELECT m.id, m.number, m.state FROM simili.model_version m LEFT JOIN simili.job j ON j.id = m.job_id
      WHERE m.id NOT IN (SELECT unnest(ARRAY[active_id, previous_id]) FROM simili.serving WHERE active_id IS NOT NULL AND previous_id IS NOT NULL)
        AND (m.state = 'REJECTED'
          OR (m.state IN ('EMBEDDING', 'CANDIDATE') AND (j.id IS NULL OR j.state IN ('FAILED', 'CANCELLED')))
          OR (m.state = 'STANDBY' AND m.id NOT IN (
            SELECT id FROM simili.model_version WHERE state = 'STANDBY' ORDER BY promoted_at DESC NULLS LAST LIMIT ${keep})))`;
  }

  /** Its row stays for the record. Call before its table is dropped, so that nobody rolls back to a half-dropped version. */
  async markRetired(id: string): Promise<boolean> {
    const { count } = await this.db.modelVersion.updateMany({
      where: { id, state: { notIn: ['ACTIVE', 'RETIRED'] } },
      data: { state: 'RETIRED' },
    });
    return count > 0;
  }

  /** Retired versions whose table still stands. */
  retiredWithVectors(): Promise<Pick<ModelRow, 'number' | 'dimensions' | 'spaces'>[]> {
    return this.db.$queryRaw`
      SELECT number, dimensions, spaces FROM simili.model_version
      WHERE state = 'RETIRED' AND to_regclass('simili.embedding_' || number) IS NOT NULL`;
  }
}

/**
 * A sequence would jump (to 34 after 1) when the server is stopped hard, and with every commit that fails. There is one
 * job on its way and its claim is held, so nobody else counts at the same time.
 */
async function nextNumber(tx: Prisma.TransactionClient): Promise<number> {
  const { _max } = await tx.modelVersion.aggregate({ _max: { number: true } });
  return (_max.number ?? 0) + 1;
}

type ServingRow = { activeId: string | null; previousId: string | null };

async function lockServing(tx: Prisma.TransactionClient): Promise<ServingRow> {
  const [row] = await tx.$queryRaw<ServingRow[]>`
    SELECT active_id AS "activeId", previous_id AS "previousId" FROM simili.serving WHERE id = 1 FOR UPDATE`;
  return row ?? { activeId: null, previousId: null };
}

/** `from`: the state it must still be in; maintenance may be retiring it at this moment. */
async function activate(tx: Prisma.TransactionClient, modelId: string, from: ModelState): Promise<void> {
  const { activeId } = await lockServing(tx);
  if (activeId) await tx.modelVersion.update({ where: { id: activeId }, data: { state: 'STANDBY' } });
  const { count } = await tx.modelVersion.updateMany({
    where: { id: modelId, state: from },
    data: { state: 'ACTIVE', promotedAt: new Date() },
  });
  if (count === 0) throw new SimiliError('MODEL_NOT_SERVABLE', { model: modelId, state: 'RETIRED' });
  await tx.serving.update({
    where: { id: 1 },
    data: { activeId: modelId, previousId: activeId, epoch: { increment: 1 } },
  });
}
