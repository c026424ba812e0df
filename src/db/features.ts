import type { PrismaClient } from '../generated/prisma/client.ts';
import { type Ask, NO_ROWS } from './sql/ask.ts';
import { bytesOf } from './sql/bytes.ts';
import { filled, rows, text } from './sql/row.ts';
import { vectorsParameter } from './sql/vector-bytes.ts';

/** [dimensions] by the sha-256 of a picture. */
export type Features = ReadonlyMap<string, Uint16Array>;

const Seen = { hash: text, vec: text };

/**
 * Features of pictures, of encoders and made by hand, as float16 bits. `encoder` is an id that also says how the pictures were decoded: what is
 * found under it never changes. Of no catalog: what is seen in a picture follows from its content.
 */
export class FeatureRepository {
  constructor(
    private readonly db: PrismaClient,
    private readonly ask: Ask,
  ) {}

  /** Writes what is not there yet; doing it twice changes nothing. */
  async add(encoder: string, rows: Features): Promise<void> {
    if (rows.size === 0) return;
    const statement = `
      INSERT INTO simili.picture_feature (encoder, content_hash, vec)
      SELECT $1, hash, vec FROM unnest($2::text[], $3::halfvec[]) AS v (hash, vec)
      ON CONFLICT DO NOTHING`;
    const vectors = await vectorsParameter(this.ask, 'halfvec', [...rows.values()]);
    await this.ask({ text: statement, row: NO_ROWS }, [encoder, [...rows.keys()], vectors]);
  }

  /** Features of those of the given pictures that are there. */
  async of(encoder: string, contentHashes: readonly string[]): Promise<Features> {
    // As base64: bytes come as twice as much text.
    const statement = `
      SELECT content_hash AS hash, encode(halfvec_send(vec), 'base64') AS vec FROM simili.picture_feature
      WHERE encoder = $1 AND content_hash = ANY($2::text[])`;
    const found = await this.ask({ text: statement, row: Seen }, [encoder, [...contentHashes]]);
    return new Map(found.map(({ hash, vec }) => [hash, halfOf(bytesOf(vec))]));
  }

  /** Pictures that the encoder gives no numbers for: there will be no features of them. */
  async addUnseen(encoder: string, contentHashes: readonly string[]): Promise<void> {
    const data = contentHashes.map((contentHash) => ({ encoder, contentHash }));
    if (data.length > 0) await this.db.unseenPicture.createMany({ data, skipDuplicates: true });
  }

  /** Those of the given pictures that the encoder gives no numbers for. */
  async unseen(encoder: string, contentHashes: readonly string[]): Promise<Set<string>> {
    if (contentHashes.length === 0) return new Set();
    const where = { encoder, contentHash: { in: [...contentHashes] } };
    const found = await this.db.unseenPicture.findMany({ where, select: { contentHash: true } });
    return new Set(found.map(({ contentHash }) => contentHash));
  }

  /** A picture of the catalog that the encoder has seen; null: none. */
  async anySeen(encoder: string, catalogId: string): Promise<{ source: string; contentHash: string } | null> {
    const [row] = await rows(this.db, { source: text, contentHash: text })`
      SELECT i.source, f.content_hash AS "contentHash"
      FROM simili.picture_feature f JOIN simili.product_image i ON i.content_hash = f.content_hash
      WHERE f.encoder = ${encoder} AND i.catalog_id = ${catalogId} AND i.state = 'READY' LIMIT 1`;
    return row ?? null;
  }

  /** Those of the given pictures that are there. */
  async known(encoder: string, contentHashes: readonly string[]): Promise<Set<string>> {
    const found = await rows(this.db, { hash: text })`
      SELECT content_hash AS hash FROM simili.picture_feature
      WHERE encoder = ${encoder} AND content_hash = ANY(${[...contentHashes]})`;
    return new Set(found.map(({ hash }) => hash));
  }

  /** Names of encoders under which there is something. Few, however many rows there are: one look-up each. */
  async names(): Promise<string[]> {
    const found = await rows(this.db, { name: filled(text) })`
      WITH RECURSIVE known (name) AS (
        SELECT min(encoder) FROM simili.picture_feature
        UNION ALL
        SELECT (SELECT min(encoder) FROM simili.picture_feature WHERE encoder > known.name) FROM known WHERE known.name IS NOT NULL
      )
      SELECT name FROM known WHERE name IS NOT NULL`;
    return found.map(({ name }) => name);
  }

  /** Removes what was seen under a name, whoever has the pictures. @returns whether that was all */
  async forget(encoder: string, limit: number): Promise<boolean> {
    await this.db.unseenPicture.deleteMany({ where: { encoder } });
    const removed = await this.db.$executeRaw`
      DELETE FROM simili.picture_feature WHERE encoder = ${encoder} AND content_hash IN (
        SELECT content_hash FROM simili.picture_feature WHERE encoder = ${encoder} LIMIT ${limit})`;
    return removed < limit;
  }

  /** Removes what no picture of any catalog has any more. @returns how many. */
  async prune(limit: number): Promise<number> {
    await this.db.$executeRaw`
      DELETE FROM simili.unseen_picture WHERE (encoder, content_hash) IN (
        SELECT encoder, content_hash FROM simili.unseen_picture u
        WHERE NOT EXISTS (SELECT FROM simili.product_image i WHERE i.content_hash = u.content_hash) LIMIT ${limit})`;
    return this.db.$executeRaw`
      DELETE FROM simili.picture_feature WHERE (encoder, content_hash) IN (
        SELECT encoder, content_hash FROM simili.picture_feature f
        WHERE NOT EXISTS (SELECT FROM simili.product_image i WHERE i.content_hash = f.content_hash) LIMIT ${limit})`;
  }
}

/** pgvector's wire format: int16 dimensions, int16 unused, then big-endian float16. */
function halfOf(sent: Uint8Array): Uint16Array {
  const view = new DataView(sent.buffer, sent.byteOffset, sent.byteLength);
  const out = new Uint16Array(view.getInt16(0));
  for (let i = 0; i < out.length; i++) out[i] = view.getUint16(4 + 2 * i);
  return out;
}
