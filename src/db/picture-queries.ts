import type { PrismaClient } from '../generated/prisma/client.ts';
import type { Ask } from './sql/ask.ts';
import { bool, float, int, json, orNull, rows, text } from './sql/row.ts';
import { base64Of, vectorOf } from './sql/vector-bytes.ts';

/** A picture that somebody searches by: its address, or its bytes. */
export type AskedPicture = { readonly url: string } | { readonly bytes: Uint8Array };
/** A picture for a worker: `modelId` names the version whose vector is wanted, `waitedMs` says for how long somebody has waited. */
export type TakenPicture = { picture: AskedPicture; modelId: string; waitedMs: number };
/** A worker's answer: the vector, or the code and the facts of an error. */
export type PictureAnswer = { vector: Float32Array } | { code: string; facts: object };

/** Seconds after which nobody asks for a picture or an answer any more. */
const KEPT_SECONDS = 60;
/** Bytes of the table from which on its space is given back. */
const LARGE_BYTES = 2 ** 20;

const One = { one: int };
const Taken = { modelId: text, url: orNull(text), bytes: orNull(text), waitedMs: float };

/** Its address, and its bytes. */
const columnsOf = (picture: AskedPicture) => ('url' in picture ? [picture.url, null] : [null, picture.bytes]);

/** Pictures on their way to a worker, and vectors on their way back (docs/adr/0029-search-by-picture.md). None stays. */
export class PictureQueryRepository {
  constructor(
    private readonly db: PrismaClient,
    private readonly ask: Ask,
    private readonly catalogId: string,
  ) {}

  /**
   * @param mostWaiting pictures of all catalogs that wait for a worker, among those of the last `patienceSeconds`
   * @returns false where so many wait already
   */
  async add(
    id: string,
    modelId: string,
    picture: AskedPicture,
    { mostWaiting, patienceSeconds }: { mostWaiting: number; patienceSeconds: number },
  ): Promise<boolean> {
    const statement = {
      text: `
        INSERT INTO simili.picture_query (catalog_id, id, model_id, url, bytes)
        SELECT $1::text, $2::uuid, $3::text, $4::text, $5::bytea
        WHERE $6::int > (SELECT count(*) FROM simili.picture_query
          WHERE taken_at IS NULL AND asked_at > now() - make_interval(secs => $7::float8))
        RETURNING 1 AS one`,
      row: One,
    };
    const added = await this.ask(statement, [
      this.catalogId,
      id,
      modelId,
      ...columnsOf(picture),
      mostWaiting,
      patienceSeconds,
    ]);
    return added.length > 0;
  }

  /** Takes a picture, which is in no table from then on. Null: somebody took it, or nobody waits for it any more. */
  async take(id: string): Promise<TakenPicture | null> {
    const [row] = await rows(this.db, Taken)`
      WITH asked AS (
        SELECT id, url, bytes FROM simili.picture_query
        WHERE catalog_id = ${this.catalogId} AND id = ${id}::uuid AND taken_at IS NULL FOR UPDATE SKIP LOCKED)
      UPDATE simili.picture_query q SET taken_at = now(), url = NULL, bytes = NULL
      FROM asked WHERE q.catalog_id = ${this.catalogId} AND q.id = asked.id
      RETURNING q.model_id AS "modelId", asked.url, encode(asked.bytes, 'base64') AS bytes,
        (1000 * extract(epoch FROM now() - q.asked_at))::float8 AS "waitedMs"`;
    if (!row) return null;
    const { modelId, url, bytes, waitedMs } = row;
    return { modelId, waitedMs, picture: url === null ? { bytes: Buffer.from(bytes ?? '', 'base64') } : { url } };
  }

  /** Gives a picture that was taken back, for another worker. @returns false where nobody waits for it any more */
  async giveBack(id: string, picture: AskedPicture): Promise<boolean> {
    const statement = {
      text: `
        UPDATE simili.picture_query SET taken_at = NULL, url = $3::text, bytes = $4::bytea
        WHERE catalog_id = $1::text AND id = $2::uuid RETURNING 1 AS one`,
      row: One,
    };
    return (await this.ask(statement, [this.catalogId, id, ...columnsOf(picture)])).length > 0;
  }

  /** Answers a picture that was taken; where nobody waits any more, nothing happens. */
  async answer(id: string, answer: PictureAnswer): Promise<void> {
    const [vector, failure] = 'vector' in answer ? [base64Of(answer.vector), null] : [null, JSON.stringify(answer)];
    await this.db.$executeRaw`
      UPDATE simili.picture_query SET vector = ${vector}::text, failure = ${failure}::text::jsonb
      WHERE catalog_id = ${this.catalogId} AND id = ${id}::uuid`;
  }

  /** The answer, which is gone then; null: there is none yet. */
  async collect(id: string): Promise<PictureAnswer | null> {
    const [row] = await rows(this.db, { vector: orNull(text), failure: orNull(json) })`
      DELETE FROM simili.picture_query
      WHERE catalog_id = ${this.catalogId} AND id = ${id}::uuid AND (vector IS NOT NULL OR failure IS NOT NULL)
      RETURNING vector, failure`;
    if (!row) return null;
    return row.vector === null ? (row.failure as { code: string; facts: object }) : { vector: vectorOf(row.vector) };
  }

  /** Waits no longer. @returns whether it was taken, and whether workers took others in the last `seconds` */
  async leave(id: string, seconds: number): Promise<{ taken: boolean; busy: boolean }> {
    const [row] = await rows(this.db, { taken: bool, busy: bool })`
      WITH gone AS (
        DELETE FROM simili.picture_query WHERE catalog_id = ${this.catalogId} AND id = ${id}::uuid RETURNING taken_at IS NOT NULL AS taken)
      SELECT coalesce((SELECT taken FROM gone), false) AS taken, EXISTS (
        SELECT FROM simili.picture_query WHERE id <> ${id}::uuid AND taken_at > now() - make_interval(secs => ${seconds}::float8)) AS busy`;
    return row!;
  }

  /** Removes what nobody waits for, of all catalogs, and gives the space of pictures back, which the embedded database does not do by itself. */
  async prune(): Promise<void> {
    await this.db
      .$executeRaw`DELETE FROM simili.picture_query WHERE asked_at < now() - make_interval(secs => ${KEPT_SECONDS}::int)`;
    const [row] = await rows(this.db, {
      bytes: float,
    })`SELECT pg_total_relation_size('simili.picture_query')::float8 AS bytes`;
    if (row!.bytes >= LARGE_BYTES) await this.db.$executeRawUnsafe('VACUUM simili.picture_query');
  }
}
