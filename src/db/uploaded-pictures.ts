import type { Prisma, PrismaClient } from '../generated/prisma/client.ts';
import { bytesOf, bytesSql } from './sql/bytes.ts';
import { rows, text } from './sql/row.ts';

/** A picture that was sent as a file. `contentHash`: sha-256 of its bytes in hex, under which it is stored once. */
export type UploadedPicture = { readonly contentHash: string; readonly bytes: Uint8Array };

/** Seconds for which a picture that no product names is kept: its product may be sent again. */
const KEPT_SECONDS = 3600;
/** Pictures that are removed at once. */
const REMOVED = 500;

/**
 * Stores pictures in a commit of products, each once. In the order of their hashes, so that no two commits wait for each other; one that is there
 * is kept from `prune`, which waits for the commit and looks again.
 */
export async function storeUploads(tx: Prisma.TransactionClient, uploads: readonly UploadedPicture[]): Promise<void> {
  const byHash = new Map(uploads.map(({ contentHash, bytes }) => [contentHash, bytes]));
  for (const contentHash of [...byHash.keys()].sort())
    await tx.$executeRaw`
      INSERT INTO simili.uploaded_picture (content_hash, bytes, sent_at)
      VALUES (${contentHash}, ${bytesSql(byHash.get(contentHash)!)}, now())
      ON CONFLICT (content_hash) DO UPDATE SET sent_at = excluded.sent_at`;
}

/** Pictures that were sent as files, by their content, whichever catalog's products name them (docs/adr/0033-pictures-as-files.md). */
export class UploadedPictureRepository {
  constructor(private readonly db: PrismaClient) {}

  /** Null: there is none. */
  async read(contentHash: string): Promise<Uint8Array | null> {
    const [row] = await rows(this.db, { bytes: text })`
      SELECT encode(bytes, 'base64') AS bytes FROM simili.uploaded_picture WHERE content_hash = ${contentHash}`;
    return row ? bytesOf(row.bytes) : null;
  }

  /** Removes pictures that no product names, some hundreds at once. @returns how many */
  async prune(): Promise<number> {
    // The age is asked twice: of a picture that is sent again meanwhile, Postgres looks at the outer one anew.
    return this.db.$executeRaw`
      DELETE FROM simili.uploaded_picture WHERE sent_at < now() - make_interval(secs => ${KEPT_SECONDS}::int)
        AND content_hash IN (
          SELECT u.content_hash FROM simili.uploaded_picture u
          WHERE u.sent_at < now() - make_interval(secs => ${KEPT_SECONDS}::int) AND NOT EXISTS (
            SELECT FROM simili.product_image i WHERE i.source = 'upload:' || u.content_hash AND i.source LIKE 'upload:%')
          LIMIT ${REMOVED})`;
  }
}
