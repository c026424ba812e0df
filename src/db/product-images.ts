import { Prisma } from '../generated/prisma/client.ts';
import { ImageState } from '../generated/prisma/enums.ts';
import { int, oneOf, orNull, type RowOf, rows, text } from './sql/row.ts';

type Tx = Prisma.TransactionClient;
/** A picture that a product names, at its place of them. */
export type NewImage = { productId: string; position: number; source: string };
/** The same, stored. */
export type KnownImage = RowOf<typeof Known>;

const Known = {
  id: text,
  productId: text,
  position: int,
  source: text,
  state: oneOf('simili.image_state', ImageState),
  etag: orNull(text),
};

/** Which pictures: all of some products, and of others those that failed. */
type Wanted = { all: readonly string[]; failed?: readonly string[] };

/** @param lock what is said of the rows, in SQL */
export async function findImages(
  tx: Tx,
  catalogId: string,
  wanted: Wanted,
  lock = Prisma.empty,
): Promise<KnownImage[]> {
  const { all, failed = [] } = wanted;
  if (all.length + failed.length === 0) return [];
  return rows(tx, Known)`
    SELECT id, product_id AS "productId", position, source, state, etag FROM simili.product_image
    WHERE catalog_id = ${catalogId} AND product_id = ANY(${[...all, ...failed]}::text[])
      AND (state = 'FAILED' OR product_id = ANY(${[...all]}::text[]))
    ORDER BY id ${lock}`;
}

/**
 * The same, before anything that follows from them is locked: who decodes a picture holds it too and then waits for its product's place
 * in the queue (docs/adr/0031-products-by-the-hundred.md).
 */
export const lockImages = (tx: Tx, catalogId: string, wanted: Wanted): Promise<KnownImage[]> =>
  findImages(tx, catalogId, wanted, Prisma.sql`FOR UPDATE`);

export async function addImages(tx: Tx, catalogId: string, images: readonly NewImage[], now: Date): Promise<void> {
  if (images.length === 0) return;
  const named = images.map((image) => ({ ...image, id: `img_${crypto.randomUUID()}` }));
  await tx.$executeRaw`
    INSERT INTO simili.product_image (catalog_id, id, product_id, position, source, updated_at)
    SELECT ${catalogId}, r.id, r."productId", r.position, r.source, ${now}
    FROM jsonb_to_recordset(${JSON.stringify(named)}::text::jsonb) AS r (id text, "productId" text, position int, source text)`;
}

export async function removeImages(tx: Tx, catalogId: string, images: readonly KnownImage[]): Promise<void> {
  if (images.length > 0) await tx.productImage.deleteMany({ where: { catalogId, id: { in: idsOf(images) } } });
}

/** Whoever sends a product again wants its picture: the host may answer now, the file may be there now. */
export async function retryFailed(tx: Tx, catalogId: string, images: readonly KnownImage[]): Promise<void> {
  const failed = images.filter(({ state }) => state === 'FAILED');
  if (failed.length === 0) return;
  const data = { state: 'PENDING', attempts: 0, retryAt: null } as const;
  await tx.productImage.updateMany({ where: { catalogId, id: { in: idsOf(failed) }, state: 'FAILED' }, data });
}

/**
 * A decoded picture stays what it is until its source was read again. One that is being read, for the first time or again, may be read as it
 * was before: it stays due when that is done (`wished`, src/db/images.ts).
 */
export async function lookAgain(tx: Tx, catalogId: string, images: readonly KnownImage[], now: Date): Promise<void> {
  if (images.length === 0) return;
  await tx.$executeRaw`
    UPDATE simili.product_image
    SET retry_at = ${now}, wished = true, attempts = CASE state WHEN 'READY' THEN 0 ELSE attempts END
    WHERE catalog_id = ${catalogId} AND id = ANY(${idsOf(images)}::text[])
      AND (state = 'READY' OR state = 'PENDING' AND claimed_until IS NOT NULL)`;
}

const idsOf = (images: readonly KnownImage[]): string[] => images.map(({ id }) => id);
