import { SimiliError } from '../errors.ts';
import {
  type ModelKind,
  ModelState,
  type ModelVersion,
  type Prisma,
  type PrismaClient,
  VectorStorage,
} from '../generated/prisma/client.ts';
import type { Clock } from '../ports/clock.ts';
import { pictureSpace, type VersionSpace } from '../ports/space.ts';
import { lockCatalog } from './catalogs.ts';
import type { Claim, JobRepository } from './jobs.ts';
import { bytesOf, bytesSql, TRANSACTION_OF_BYTES } from './sql/bytes.ts';
import { vectorSchema } from './sql/embedding-table.ts';
import { lastRead } from './sql/last-read.ts';
import { bool, int, json, oneOf, orNull, rows, text } from './sql/row.ts';

export type { ModelKind };
export { ModelState };
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
/** `measured` false: there was too little to measure or to decide by, and it passed for want of a reason not to; or not, as a rival could be measured. */
export type Gate = { name: string; passed: boolean; measured: boolean; reason: string };
/** One list of twelve (fewer in a smaller catalog), ids in their order. */
type ListChange = { anchorId: string; before: string[]; after: string[] };
/** Lists of a candidate beside those of the version that served: how many, how many changed, the mean share of new products (0 to 1), and where most. */
export type ListChanges = { anchors: number; changed: number; newShare: number; examples: ListChange[] };
/** Which version answers, and in which spaces. `epoch` changes with every promotion and rollback. */
export type ServingPointer = { modelId: string; number: number; epoch: number; spaces: readonly VersionSpace[] };

export type OfSpaces = Pick<ModelRow, 'dimensions' | 'storage' | 'isBinary' | 'candidates' | 'spaces'>;
/** Spaces of a version: its pictures' first. */
export const spacesOf = ({ dimensions, storage, spaces, ...index }: OfSpaces): VersionSpace[] => [
  pictureSpace(dimensions, storage === 'HALFVEC' ? 'halfvec' : 'vector', index),
  ...(spaces as VersionSpace[]),
];

/** `active` has all requests, `previous` is what a rollback takes by itself. */
type Slot = 'active' | 'previous';
type Where = Prisma.ModelVersionWhereInput;

const StorageColumn = oneOf('simili.vector_storage', VectorStorage);
const Spaces = {
  dimensions: int,
  storage: StorageColumn,
  isBinary: bool,
  candidates: orNull(int),
  spaces: json,
};
const Pointer = { modelId: text, number: int, epoch: int, ...Spaces };
const Retired = { number: int, ...Spaces };
const Retirable = { id: text, number: int, state: oneOf('simili.model_state', ModelState) };
const withoutArtefact = { artefact: true } as const;
const WITH_VECTORS: ModelState[] = ['EMBEDDING', 'CANDIDATE', 'ACTIVE', 'STANDBY'];
/** A retired version's artefact is kept for as long behind its making, or its promotion: somebody may want to look at it. */
const ARTEFACT_KEPT_MS = 7 * 86_400_000;

export class ModelRepository {
  constructor(
    private readonly db: PrismaClient,
    private readonly jobs: JobRepository,
    private readonly catalogId: string,
    private readonly clock: Clock,
  ) {}

  byId(id: string): Promise<ModelRow | null> {
    return this.db.modelVersion.findUnique({ where: { catalogId_id: this.key(id) }, omit: withoutArtefact });
  }

  /** The version a job has trained. */
  ofJob(jobId: string): Promise<ModelRow> {
    const where = { catalogId_jobId: { catalogId: this.catalogId, jobId } };
    return this.db.modelVersion.findUniqueOrThrow({ where, omit: withoutArtefact });
  }

  /** Whether a version of this kind was ever trained, whatever became of it. */
  async anyOfKind(kind: ModelKind): Promise<boolean> {
    const where = { catalogId: this.catalogId, kind };
    return (await this.db.modelVersion.findFirst({ where, select: { id: true } })) !== null;
  }

  /**
   * Newest first. @param after id of the last one that was read, which may be in another state by now; null: from the newest on
   * @throws SimiliError CURSOR_INVALID where there is none of it
   */
  async list(limit: number, after: string | null = null, states?: readonly ModelState[]): Promise<ModelRow[]> {
    const { catalogId } = this;
    const last = await lastRead(after, (id) => this.byId(id));
    const where = {
      catalogId,
      ...(states && { state: { in: [...states] } }),
      ...(last && { number: { lt: last.number } }),
    };
    return this.db.modelVersion.findMany({ where, orderBy: { number: 'desc' }, take: limit, omit: withoutArtefact });
  }

  /** @returns null where there is no such version, or it was retired so long ago that its artefact is gone. */
  async artefact(id: string): Promise<{ checksum: string; artefact: Uint8Array } | null> {
    const [row] = await rows(this.db, { checksum: text, artefact: text })`
      SELECT checksum, encode(artefact, 'base64') AS artefact FROM simili.model_version
      WHERE catalog_id = ${this.catalogId} AND id = ${id} AND length(artefact) > 0`;
    return row ? { ...row, artefact: bytesOf(row.artefact) } : null;
  }

  async serving(): Promise<ServingPointer | null> {
    const [row] = await rows(this.db, Pointer)`
      SELECT m.id AS "modelId", m.number, s.epoch, m.dimensions, m.storage, m.binary_index AS "isBinary", m.candidates, m.spaces
      FROM simili.serving s JOIN simili.model_version m ON m.catalog_id = s.catalog_id AND m.id = s.version_id
      WHERE s.catalog_id = ${this.catalogId} AND s.slot = 'active'`;
    return row ? { modelId: row.modelId, number: row.number, epoch: row.epoch, spaces: spacesOf(row) } : null;
  }

  async active(): Promise<ModelRow | null> {
    const pointer = await this.serving();
    return pointer && this.byId(pointer.modelId);
  }

  /** Versions that must hold a vector of every product: the active one, first, and those kept for rollback, newest first. */
  live(): Promise<ModelRow[]> {
    const where = { catalogId: this.catalogId, state: { in: ['ACTIVE', 'STANDBY'] } } satisfies Where;
    const orderBy = [{ state: 'asc' as const }, { number: 'desc' as const }];
    return this.db.modelVersion.findMany({ where, orderBy, omit: withoutArtefact });
  }

  /** Versions that have vectors, or will: the live ones and those on their way to serving. */
  withVectors(): Promise<ModelRow[]> {
    const state = { in: WITH_VECTORS };
    return this.db.modelVersion.findMany({ where: { catalogId: this.catalogId, state }, omit: withoutArtefact });
  }

  /** Commits a trained version and hands the job on to EMBED, together. */
  async commitTrained(claim: Claim, model: NewModel): Promise<ModelRow> {
    const { catalogId } = this;
    const id = `mdl_${crypto.randomUUID()}`;
    return this.db.$transaction(async (tx) => {
      await this.jobs.hold(claim, tx);
      const number = await this.nextNumber(tx);
      const { artefact, ...row } = await tx.modelVersion.create({
        data: {
          ...model,
          spaces: [...(model.spaces ?? [])],
          catalogId,
          id,
          jobId: claim.job.id,
          artefact: new Uint8Array(),
          number,
        },
      });
      await tx.$executeRaw`
        UPDATE simili.model_version SET artefact = ${bytesSql(model.artefact)}
        WHERE catalog_id = ${catalogId} AND id = ${id}`;
      await this.jobs.advance(claim, 'EMBED', row.id, tx);
      return row;
    }, TRANSACTION_OF_BYTES);
  }

  /** The version is embedded and indexed: the job goes on to EVALUATE. */
  async commitEmbedded(claim: Claim, modelId: string): Promise<void> {
    await this.db.$transaction(async (tx) => {
      await tx.modelVersion.update({ where: { catalogId_id: this.key(modelId) }, data: { state: 'CANDIDATE' } });
      await this.jobs.advance(claim, 'EVALUATE', modelId, tx);
    }, TRANSACTION_OF_BYTES);
  }

  /** Ends the job: the version serves from this commit on when every gate passed, also that of its parent, else it is REJECTED. */
  async commitEvaluated(
    claim: Claim,
    modelId: string,
    metrics: Prisma.InputJsonValue,
    measured: readonly Gate[],
  ): Promise<ModelState> {
    return this.db.$transaction(async (tx) => {
      const gates = [...measured, ...(await this.parentGates(tx, modelId))];
      const state = gates.every((gate) => gate.passed) ? 'ACTIVE' : 'REJECTED';
      const where = { catalogId_id: this.key(modelId) };
      await tx.modelVersion.update({ where, data: { metrics, gates, state: 'CANDIDATE' } });
      if (state === 'ACTIVE') await this.activate(tx, modelId, 'CANDIDATE');
      else await tx.modelVersion.update({ where, data: { state } });
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
      const { previous } = await this.lockServing(tx);
      const target = modelId ?? previous;
      if (!target) throw new SimiliError('NOTHING_TO_ROLL_BACK_TO');
      const where = { catalogId_id: this.key(target) };
      const model = await tx.modelVersion.findUnique({ where, omit: withoutArtefact });
      if (!model) throw new SimiliError('NOT_FOUND', { what: 'model version', id: target });
      if (model.state !== 'STANDBY') throw new SimiliError('MODEL_NOT_SERVABLE', { model: target, state: model.state });
      await this.activate(tx, target, 'STANDBY');
      return tx.modelVersion.findUniqueOrThrow({ where, omit: withoutArtefact });
    });
  }

  /** Versions whose vectors nobody needs: rejected ones, orphans of ended jobs, standbys beyond the newest `keep`. */
  async retirable(keep: number): Promise<Pick<ModelRow, 'id' | 'number' | 'state'>[]> {
    return rows(this.db, Retirable)`
      SELECT m.id, m.number, m.state
      FROM simili.model_version m LEFT JOIN simili.job j ON j.catalog_id = m.catalog_id AND j.id = m.job_id
      WHERE m.catalog_id = ${this.catalogId}
        AND m.id NOT IN (SELECT version_id FROM simili.serving WHERE catalog_id = ${this.catalogId})
        AND (m.state = 'REJECTED'
          OR (m.state IN ('EMBEDDING', 'CANDIDATE') AND (j.id IS NULL OR j.state IN ('FAILED', 'CANCELLED')))
          OR (m.state = 'STANDBY' AND m.id NOT IN (
            SELECT id FROM simili.model_version WHERE catalog_id = ${this.catalogId} AND state = 'STANDBY'
            ORDER BY promoted_at DESC NULLS LAST LIMIT ${keep})))`;
  }

  /**
   * Its row stays for the record. Call before its table is dropped, so that nobody rolls back to a half-dropped version. A version that serves, or that a
   * rollback would take, stays as it is: it may have become that since it was found `retirable`.
   */
  async markRetired(id: string): Promise<boolean> {
    return this.db.$transaction(async (tx) => {
      const slots = await this.lockServing(tx);
      if (Object.values(slots).includes(id)) return false;
      const { count } = await tx.modelVersion.updateMany({
        where: { ...this.key(id), state: { notIn: ['ACTIVE', 'RETIRED'] } },
        data: { state: 'RETIRED' },
      });
      return count > 0;
    });
  }

  /** Empties the artefacts of retired versions, which nobody can roll back to; their rows stay for the record. @returns how many. */
  async forgetArtefacts(): Promise<number> {
    const before = new Date(this.clock.now().getTime() - ARTEFACT_KEPT_MS);
    return this.db.$executeRaw`
      UPDATE simili.model_version SET artefact = ''::bytea
      WHERE catalog_id = ${this.catalogId} AND state = 'RETIRED' AND length(artefact) > 0
        AND created_at < ${before} AND coalesce(promoted_at, created_at) < ${before}`;
  }

  /** Those of the artefacts, of whichever catalog, that a version with vectors is computed by. */
  async inUse(checksums: readonly string[]): Promise<Set<string>> {
    const where = { checksum: { in: [...checksums] }, state: { in: WITH_VECTORS } } satisfies Where;
    const found = await this.db.modelVersion.findMany({ where, select: { checksum: true } });
    return new Set(found.map(({ checksum }) => checksum));
  }

  /** Retired versions whose table still stands. */
  retiredWithVectors(): Promise<(Pick<ModelRow, 'number'> & OfSpaces)[]> {
    return rows(this.db, Retired)`
      SELECT number, dimensions, storage, binary_index AS "isBinary", candidates, spaces FROM simili.model_version
      WHERE catalog_id = ${this.catalogId} AND state = 'RETIRED'
        AND to_regclass(format('%I.%I', ${vectorSchema(this.catalogId)}::text, 'embedding_' || number)) IS NOT NULL`;
  }

  private key(id: string): { catalogId: string; id: string } {
    return { catalogId: this.catalogId, id };
  }

  /**
   * A sequence would jump (to 34 after 1) when the server is stopped hard, and with every commit that fails. There is one
   * job of a catalog on its way and its claim is held, so nobody else counts at the same time.
   */
  private async nextNumber(tx: Prisma.TransactionClient): Promise<number> {
    const where = { catalogId: this.catalogId };
    const { _max } = await tx.modelVersion.aggregate({ where, _max: { number: true } });
    return (_max.number ?? 0) + 1;
  }

  /**
   * Red where an administrator went back behind the version that served when the candidate was trained: it mostly goes on from that one's weights, and a
   * rollback is not undone by a job that had begun before it. None otherwise.
   */
  private async parentGates(tx: Prisma.TransactionClient, candidateId: string): Promise<Gate[]> {
    const { active } = await this.lockServing(tx);
    const byId = (id: string) =>
      tx.modelVersion.findUniqueOrThrow({
        where: { catalogId_id: this.key(id) },
        select: { number: true, parentId: true },
      });
    const { parentId } = await byId(candidateId);
    if (!active || !parentId) return [];
    const serving = await byId(active);
    const parent = await byId(parentId);
    if (parent.number <= serving.number) return [];
    const reason = `trained while version ${parent.number} served, which was rolled back since`;
    return [{ name: 'parent', passed: false, measured: true, reason }];
  }

  /** Ids of versions, by slot. Nobody else changes them until the transaction ends. */
  private async lockServing(tx: Prisma.TransactionClient): Promise<Partial<Record<Slot, string>>> {
    const { catalogId } = this;
    await lockCatalog(tx, catalogId); // there may be no row yet that could be locked
    const rows = await tx.serving.findMany({ where: { catalogId } });
    return Object.fromEntries(rows.map(({ slot, versionId }) => [slot, versionId]));
  }

  /**
   * The version that served becomes the one before, in one statement, which sees the rows as they were.
   * @param from the state it must still be in; maintenance may be retiring it at this moment.
   */
  private async activate(tx: Prisma.TransactionClient, modelId: string, from: ModelState): Promise<void> {
    const { catalogId } = this;
    const { active } = await this.lockServing(tx);
    if (active) await tx.modelVersion.update({ where: { catalogId_id: this.key(active) }, data: { state: 'STANDBY' } });
    const { count } = await tx.modelVersion.updateMany({
      where: { ...this.key(modelId), state: from },
      data: { state: 'ACTIVE', promotedAt: this.clock.now() },
    });
    if (count === 0) throw new SimiliError('MODEL_NOT_SERVABLE', { model: modelId, state: 'RETIRED' });
    await tx.$executeRaw`
      INSERT INTO simili.serving AS s (catalog_id, slot, version_id, weight)
      SELECT ${catalogId}, 'active', ${modelId}, 1
      UNION ALL
      SELECT catalog_id, 'previous', version_id, 0 FROM simili.serving WHERE catalog_id = ${catalogId} AND slot = 'active'
      ON CONFLICT (catalog_id, slot) DO UPDATE
      SET version_id = excluded.version_id, weight = excluded.weight, epoch = s.epoch + 1`;
  }
}
