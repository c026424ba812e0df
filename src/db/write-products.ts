import { SimiliError } from '../errors.ts';
import { Prisma, type PrismaClient } from '../generated/prisma/client.ts';
import type { Clock } from '../ports/clock.ts';
import { keepCatalog } from './catalogs.ts';
import {
  addImages,
  findImages,
  type KnownImage,
  lockImages,
  lookAgain,
  type NewImage,
  removeImages,
  retryFailed,
} from './product-images.ts';
import type { ProductFacts } from './sql/product-row.ts';
import { bigint, rows, text } from './sql/row.ts';
import { despiteDeadlock } from './sql/sql-state.ts';
import { storeUploads, type UploadedPicture } from './uploaded-pictures.ts';

/** A product as its sender describes it. `fingerprint`: hash over everything else, so that an unchanged one is noticed. */
export type ProductWrite = ProductFacts & {
  images: string[];
  /** Pictures of these that came with it as files. */
  uploads?: readonly UploadedPicture[];
  /** Revisions of pictures that are files, in the order of `images`: which content they have now (src/catalog/local-picture.ts). */
  revisions?: readonly (string | null)[];
  /** Whether all its pictures are asked for again, changed or not. */
  refresh?: boolean;
  version: number;
  fingerprint: string;
};
/**
 * 'renewed': the same product, with pictures that are read again: their file has changed, or `refresh`. 'outdated': the
 * stored version is higher, so nothing was written.
 */
export type WriteOutcome = 'created' | 'updated' | 'renewed' | 'unchanged' | 'outdated';

type Tx = Prisma.TransactionClient;
/** Where products are written, and when. */
type Place = { readonly catalogId: string; readonly clock: Clock };
type Stored = ReadonlyMap<string, { version: bigint; fingerprint: string }>;

/**
 * Creates or replaces products in one commit, all of them or none: some ten statements, however many there are. Pictures become
 * PENDING where their sources changed.
 * @param products of different ids
 * @returns outcomes, in their order
 * @throws SimiliError CATALOG_UNKNOWN where the catalog was removed
 */
export const writeProducts = (
  db: PrismaClient,
  place: Place,
  products: readonly ProductWrite[],
): Promise<WriteOutcome[]> => despiteDeadlock(() => db.$transaction((tx) => writeIn(tx, place, products)));

async function writeIn(tx: Tx, place: Place, products: readonly ProductWrite[]): Promise<WriteOutcome[]> {
  const { catalogId } = place;
  const now = place.clock.now();
  if (!(await keepCatalog(tx, catalogId))) throw new SimiliError('CATALOG_UNKNOWN', { catalog: catalogId });
  await lockProducts(tx, catalogId, idsOf(products));
  const stored = await storedOf(tx, catalogId, products);
  const outcomes = products.map((product) => outcomeOf(stored, product));
  const having = (wanted: WriteOutcome) => products.filter((_, i) => outcomes[i] === wanted);
  const [created, updated, unchanged] = [having('created'), having('updated'), having('unchanged')];
  const known = products.filter(({ id }) => stored.has(id));
  const all = idsOf([...updated, ...unchanged.filter(isLookedAt)]);
  const images = await lockImages(tx, catalogId, { all, failed: idsOf(known) });
  const { fresh, gone, kept } = replaced(updated, images);
  await storeUploads(
    tx,
    [...created, ...updated].flatMap(({ uploads = [] }) => uploads),
  );
  await removeImages(tx, catalogId, gone);
  await insert(tx, place, created);
  await replace(tx, place, updated);
  await addImages(tx, catalogId, [...created.flatMap(imagesOf), ...fresh], now);
  await retryFailed(tx, catalogId, kept);
  // A higher version of a product may have other pictures at the addresses of before.
  const isNewer = ({ id, version }: ProductWrite) => (stored.get(id)?.version ?? 0n) < version;
  const renewed = updated.map((product) => ({ ...product, refresh: product.refresh || isNewer(product) }));
  const again = seenAgain([...renewed, ...unchanged], kept);
  await lookAgain(tx, catalogId, again.images, now);
  return toldOf(products, outcomes, again.told);
}

/** The outcomes that `writeProducts` would have, without writing anything. */
export async function tryProducts(
  db: Tx,
  { catalogId }: Place,
  products: readonly ProductWrite[],
): Promise<WriteOutcome[]> {
  const stored = await storedOf(db, catalogId, products);
  const outcomes = products.map((product) => outcomeOf(stored, product));
  const unchanged = products.filter((product, i) => outcomes[i] === 'unchanged' && isLookedAt(product));
  const images = await findImages(db, catalogId, { all: idsOf(unchanged) });
  return toldOf(products, outcomes, seenAgain(unchanged, images).told);
}

/**
 * Products and all their pictures leave the catalog, and what follows from them.
 * @param writtenBefore only those that nobody has written since
 * @returns how many there were
 */
export const removeProducts = (
  db: PrismaClient,
  catalogId: string,
  ids: readonly string[],
  writtenBefore?: Date,
): Promise<number> =>
  despiteDeadlock(() =>
    db.$transaction(async (tx) => {
      await lockProducts(tx, catalogId, ids);
      await lockImages(tx, catalogId, { all: ids });
      const where = { catalogId, id: { in: [...ids] }, ...(writtenBefore && { updatedAt: { lt: writtenBefore } }) };
      return (await tx.product.deleteMany({ where })).count;
    }),
  );

/**
 * Whoever writes a product waits here for others that write it, also when it does not exist yet: the lower version loses. In one order, so
 * that no two wait for each other. What comes after it is locked in this order everywhere: pictures by their ids, products, the queue.
 */
async function lockProducts(tx: Tx, catalogId: string, ids: readonly string[]): Promise<void> {
  const names = ids.map((id) => `simili.product ${catalogId} ${id}`);
  await tx.$executeRaw`
    SELECT pg_advisory_xact_lock(k.key) FROM (
      SELECT DISTINCT hashtextextended(name, 0) AS key FROM unnest(${names}::text[]) AS n (name) ORDER BY key) k`;
}

async function storedOf(db: Tx, catalogId: string, products: readonly ProductWrite[]): Promise<Stored> {
  const found = await rows(db, { id: text, version: bigint, fingerprint: text })`
    SELECT id, version, fingerprint FROM simili.product WHERE catalog_id = ${catalogId} AND id = ANY(${idsOf(products)}::text[])`;
  return new Map(found.map(({ id, ...facts }) => [id, facts]));
}

function outcomeOf(known: Stored, product: ProductWrite): Exclude<WriteOutcome, 'renewed'> {
  const stored = known.get(product.id);
  if (!stored) return 'created';
  if (stored.version > product.version) return 'outdated';
  return stored.fingerprint === product.fingerprint ? 'unchanged' : 'updated';
}

const toldOf = (products: readonly ProductWrite[], outcomes: readonly WriteOutcome[], told: ReadonlySet<string>) =>
  outcomes.map((outcome, i) => (outcome === 'unchanged' && told.has(products[i]!.id) ? 'renewed' : outcome));

/** A source that stays where it was keeps its state; everything else starts anew. `kept`: those of other products too. */
function replaced(updated: readonly ProductWrite[], images: readonly KnownImage[]) {
  const sources = new Map(updated.map((product) => [product.id, product.images]));
  const isGone = ({ productId, position, source }: KnownImage) =>
    sources.has(productId) && sources.get(productId)![position] !== source;
  const kept = images.filter((image) => !isGone(image));
  const places = new Set(kept.map(({ productId, position }) => `${position} ${productId}`));
  const fresh = updated.flatMap(imagesOf).filter(({ productId, position }) => !places.has(`${position} ${productId}`));
  return { fresh, kept, gone: images.filter(isGone) };
}

const imagesOf = ({ id, images }: ProductWrite): NewImage[] =>
  images.map((source, position) => ({ productId: id, position, source }));

const isLookedAt = ({ refresh, revisions }: ProductWrite): boolean =>
  refresh || (revisions?.some((revision) => revision !== null) ?? false);

/**
 * Pictures that are to be read again, decoded or being read: all where that is asked for, else files that have another content than the
 * one that was decoded.
 * @returns `told`: products of which any surely has, or was asked for; a file whose content is not known is read quietly
 */
function seenAgain(products: readonly ProductWrite[], stored: readonly KnownImage[]) {
  const asked = new Map(products.filter(isLookedAt).map((product) => [product.id, product]));
  const images = stored.filter(({ productId, position, state, etag }) => {
    const { refresh, revisions } = asked.get(productId) ?? {};
    return state !== 'FAILED' && (refresh || (revisions?.[position] ?? etag) !== etag);
  });
  const decoded = images.filter(({ state }) => state === 'READY');
  const sure = decoded.filter(({ productId, etag }) => etag !== null || asked.get(productId)?.refresh);
  return { images, told: new Set(sure.map(({ productId }) => productId)) };
}

/** The columns of the records that `jsonOf` gives. */
const FIELDS = Prisma.sql`(id text, title text, url text, categories text[], tags text[], price numeric,
  currency text, available boolean, "groupId" text, version bigint, fingerprint text)`;

async function insert(tx: Tx, { catalogId, clock }: Place, products: readonly ProductWrite[]): Promise<void> {
  if (products.length === 0) return;
  await tx.$executeRaw`
    INSERT INTO simili.product (catalog_id, id, title, url, categories, tags, price, currency, available, group_id, version, fingerprint, updated_at)
    SELECT ${catalogId}, r.id, r.title, r.url, r.categories, r.tags, r.price, r.currency, r.available, r."groupId", r.version, r.fingerprint, ${clock.now()}
    FROM jsonb_to_recordset(${jsonOf(products)}::text::jsonb) AS r ${FIELDS} ORDER BY r.id`;
}

async function replace(tx: Tx, { catalogId, clock }: Place, products: readonly ProductWrite[]): Promise<void> {
  if (products.length === 0) return;
  await tx.$executeRaw`
    UPDATE simili.product p SET title = r.title, url = r.url, categories = r.categories, tags = r.tags, price = r.price,
      currency = r.currency, available = r.available, group_id = r."groupId", version = r.version, fingerprint = r.fingerprint,
      updated_at = ${clock.now()}
    FROM jsonb_to_recordset(${jsonOf(products)}::text::jsonb) AS r ${FIELDS}
    WHERE p.catalog_id = ${catalogId} AND p.id = r.id`;
}

const idsOf = (products: readonly ProductWrite[]): string[] => products.map(({ id }) => id);

const jsonOf = (products: readonly ProductWrite[]): string =>
  JSON.stringify(
    products.map(({ images: _, uploads: _sent, revisions: _known, refresh: _asked, ...fields }) => fields),
  );
