import type { Prisma, PrismaClient } from '../generated/prisma/client.ts';
import type { Clock } from '../ports/clock.ts';
import { withCents } from './sql/price.ts';
import type { ProductRow } from './sql/product-row.ts';
import { type ProductWrite, removeProducts, tryProducts, type WriteOutcome, writeProducts } from './write-products.ts';

const withFirstImage = { images: { where: { position: 0 }, take: 1 } } satisfies Prisma.ProductInclude;
type Found = Prisma.ProductGetPayload<{ include: typeof withFirstImage }>;

export class ProductRepository {
  constructor(
    private readonly db: PrismaClient,
    readonly catalogId: string,
    readonly clock: Clock,
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

  /** Ids in their order, those after `afterId`. @param writtenBefore only of products that nobody has written since */
  async ids(limit: number, afterId: string | null, writtenBefore?: Date): Promise<string[]> {
    const where = {
      catalogId: this.catalogId,
      ...(afterId !== null && { id: { gt: afterId } }),
      ...(writtenBefore && { updatedAt: { lt: writtenBefore } }),
    };
    const found = await this.db.product.findMany({ where, orderBy: { id: 'asc' }, take: limit, select: { id: true } });
    return found.map(({ id }) => id);
  }

  count(): Promise<number> {
    return this.db.product.count({ where: { catalogId: this.catalogId } });
  }

  /** As `writeProducts`: in one commit. */
  writeAll(products: readonly ProductWrite[]): Promise<WriteOutcome[]> {
    return writeProducts(this.db, this, products);
  }

  /** The same of one. */
  async write(product: ProductWrite): Promise<WriteOutcome> {
    const [outcome] = await this.writeAll([product]);
    return outcome!;
  }

  /** The outcomes that `writeAll` would have, without writing anything. */
  tryAll(products: readonly ProductWrite[]): Promise<WriteOutcome[]> {
    return tryProducts(this.db, this, products);
  }

  /**
   * Their pictures and vectors go with them.
   * @param writtenBefore only those that nobody has written since
   * @returns how many existed
   */
  remove(ids: readonly string[], writtenBefore?: Date): Promise<number> {
    return removeProducts(this.db, this.catalogId, ids, writtenBefore);
  }
}

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
