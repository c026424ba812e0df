import type { Prisma, PrismaClient } from '../generated/prisma/client.ts';
import type { Clock } from '../ports/clock.ts';
import { withCents } from './price.ts';

/** A catalog row with the picture that is compared. */
export type ProductRow = {
  id: string;
  title: string;
  url: string | null;
  categories: string[];
  tags: string[];
  /** Exact decimal. */
  price: string | null;
  currency: string | null;
  available: boolean;
  /** Id of the product whose variant this is; null: it has none. */
  groupId: string | null;
  image: {
    id: string;
    source: string;
    state: 'PENDING' | 'READY' | 'FAILED';
    width: number | null;
    height: number | null;
  } | null;
};

/** A product as its sender describes it. `fingerprint`: hash over everything else, so that an unchanged one is noticed. */
export type ProductWrite = Omit<ProductRow, 'image'> & {
  images: string[];
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

const withFirstImage = { images: { where: { position: 0 }, take: 1 } } satisfies Prisma.ProductInclude;
type Found = Prisma.ProductGetPayload<{ include: typeof withFirstImage }>;

export class ProductRepository {
  constructor(
    private readonly db: PrismaClient,
    private readonly catalogId: string,
    private readonly clock: Clock,
  ) {}

  /** Those that exist, in no particular order. */
  async byIds(ids: readonly string[]): Promise<ProductRow[]> {
    const where = { catalogId: this.catalogId, id: { in: [...ids] } };
    return (await this.db.product.findMany({ where, include: withFirstImage })).map(toRow);
  }

  /** Those of the ids that exist. */
  async existing(ids: readonly string[]): Promise<Set<string>> {
    const where = { catalogId: this.catalogId, id: { in: [...ids] } };
    const found = await this.db.product.findMany({ where, select: { id: true } });
    return new Set(found.map(({ id }) => id));
  }

  async byUrl(url: string): Promise<ProductRow | null> {
    const where = { catalogId: this.catalogId, url };
    const found = await this.db.product.findFirst({ where, orderBy: { id: 'asc' }, include: withFirstImage });
    return found && toRow(found);
  }

  /** In id order, those after `afterId`. */
  async page(limit: number, afterId: string | null): Promise<ProductRow[]> {
    const { catalogId } = this;
    const where = afterId === null ? { catalogId } : { catalogId, id: { gt: afterId } };
    return (
      await this.db.product.findMany({ where, orderBy: { id: 'asc' }, take: limit, include: withFirstImage })
    ).map(toRow);
  }

  /** Ids in their order, those after `afterId`. */
  async ids(limit: number, afterId: string | null): Promise<string[]> {
    const { catalogId } = this;
    const where = afterId === null ? { catalogId } : { catalogId, id: { gt: afterId } };
    const found = await this.db.product.findMany({ where, orderBy: { id: 'asc' }, take: limit, select: { id: true } });
    return found.map(({ id }) => id);
  }

  count(): Promise<number> {
    return this.db.product.count({ where: { catalogId: this.catalogId } });
  }

  /**
   * Creates or replaces one product; its pictures become PENDING where their sources changed. All or nothing.
   */
  async write(product: ProductWrite): Promise<WriteOutcome> {
    const { catalogId } = this;
    const key = { catalogId, id: product.id };
    return this.db.$transaction(async (tx) => {
      // Two senders of one product wait for each other here, also when it does not exist yet: the lower version loses.
      await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended(${`simili.product ${catalogId} ${product.id}`}, 0))`;
      const stored = await storedOf(tx, key);
      const outcome = outcomeOf(stored, product);
      if (outcome === 'outdated' || outcome === 'unchanged') {
        await retryFailed(tx, key);
        if (outcome === 'outdated') return outcome;
        return (await this.lookAgainAt(tx, key, product)) ? 'renewed' : 'unchanged';
      }
      const { id: _id, images, version, revisions: _known, refresh: _asked, ...fields } = product;
      const data = { ...fields, version: BigInt(version), updatedAt: this.clock.now() };
      if (!stored) {
        // Nobody else is here, and a product that did not exist has no pictures: half the statements of an import.
        await tx.product.createMany({ data: [{ ...data, ...key }] });
        await tx.productImage.createMany({ data: freshImages(key, images) });
        return 'created';
      }
      await tx.product.updateMany({ where: key, data });
      await replaceImages(tx, key, images);
      await retryFailed(tx, key);
      await this.lookAgainAt(tx, key, { ...product, refresh: product.refresh || stored.version < version });
      return 'updated';
    });
  }

  /** The outcome that `write` would have, without writing anything. */
  async tryWrite(product: ProductWrite): Promise<WriteOutcome> {
    const key = { catalogId: this.catalogId, id: product.id };
    const outcome = outcomeOf(await storedOf(this.db, key), product);
    if (outcome !== 'unchanged') return outcome;
    return (await seenAgain(this.db, key, product)).isTold ? 'renewed' : 'unchanged';
  }

  /** A decoded picture stays what it is until its source was read again. @returns whether that is to be told. */
  private async lookAgainAt(tx: Prisma.TransactionClient, key: Key, product: ProductWrite): Promise<boolean> {
    const { ids, isTold } = await seenAgain(tx, key, product);
    const where = { catalogId: key.catalogId, id: { in: ids }, state: 'READY' } as const;
    if (ids.length > 0) await tx.productImage.updateMany({ where, data: { retryAt: this.clock.now(), attempts: 0 } });
    return isTold;
  }

  /** Their pictures and vectors go with them. @returns how many existed. */
  async remove(ids: readonly string[]): Promise<number> {
    const where = { catalogId: this.catalogId, id: { in: [...ids] } };
    return (await this.db.product.deleteMany({ where })).count;
  }
}

/** A product of a catalog. */
type Key = { catalogId: string; id: string };
const imagesOf = ({ catalogId, id: productId }: Key) => ({ catalogId, productId });

/** Whoever sends a product again wants its picture: the host may answer now, the file may be there now. */
async function retryFailed(tx: Prisma.TransactionClient, key: Key): Promise<void> {
  await tx.productImage.updateMany({
    where: { ...imagesOf(key), state: 'FAILED' },
    data: { state: 'PENDING', attempts: 0, retryAt: null },
  });
}

type Stored = { version: bigint; fingerprint: string };
const storedOf = (db: Prisma.TransactionClient, key: Key): Promise<Stored | null> =>
  db.product.findUnique({ where: { catalogId_id: key }, select: { version: true, fingerprint: true } });

function outcomeOf(stored: Stored | null, product: ProductWrite): Exclude<WriteOutcome, 'renewed'> {
  if (!stored) return 'created';
  if (stored.version > product.version) return 'outdated';
  return stored.fingerprint === product.fingerprint ? 'unchanged' : 'updated';
}

/**
 * Decoded pictures that are to be read again: all where that is asked for, else files that have another content than the one
 * that was decoded.
 * @returns `isTold`: whether any of them surely has, or was asked for; a file whose content is not known is read quietly
 */
async function seenAgain(
  db: Prisma.TransactionClient,
  key: Key,
  { revisions, refresh }: ProductWrite,
): Promise<{ ids: string[]; isTold: boolean }> {
  if (!refresh && !revisions?.some((revision) => revision !== null)) return { ids: [], isTold: false };
  const stored = await db.productImage.findMany({ where: { ...imagesOf(key), state: 'READY' } });
  const again = stored.filter(({ position, etag }) => refresh || (revisions?.[position] ?? etag) !== etag);
  return { ids: again.map(({ id }) => id), isTold: again.some(({ etag }) => refresh || etag !== null) };
}

/** A source that stays where it was keeps its state; everything else starts anew. */
async function replaceImages(tx: Prisma.TransactionClient, key: Key, sources: string[]): Promise<void> {
  const stored = await tx.productImage.findMany({ where: imagesOf(key) });
  const kept = new Set(
    stored.filter((image) => sources[image.position] === image.source).map((image) => image.position),
  );
  await tx.productImage.deleteMany({ where: { ...imagesOf(key), position: { notIn: [...kept] } } });
  await tx.productImage.createMany({ data: freshImages(key, sources, kept) });
}

const freshImages = (key: Key, sources: readonly string[], kept: ReadonlySet<number> = new Set()) =>
  sources.flatMap((source, position) =>
    kept.has(position) ? [] : [{ ...imagesOf(key), id: `img_${crypto.randomUUID()}`, position, source }],
  );

function toRow({ images: [image], price, ...product }: Found): ProductRow {
  const { id, title, url, categories, tags, currency, available, groupId } = product;
  return {
    id,
    title,
    url,
    categories,
    tags,
    currency,
    available,
    groupId,
    price: price === null ? null : withCents(price.toFixed()),
    image: image
      ? { id: image.id, source: image.source, state: image.state, width: image.width, height: image.height }
      : null,
  };
}
