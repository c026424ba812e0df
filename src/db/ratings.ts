import type { PrismaClient } from '../generated/prisma/client.ts';

/** The positive looks more like the anchor than the negative does: ids of products. */
export type Rating = { readonly anchorId: string; readonly positiveId: string; readonly negativeId: string };

export class RatingRepository {
  constructor(
    private readonly db: PrismaClient,
    private readonly catalogId: string,
  ) {}

  /** Stores those that are not stored yet, in one commit; what was answered the other way round goes. @returns how many were new. */
  async append(ratings: readonly Rating[]): Promise<number> {
    const { catalogId } = this;
    const reversed = ratings.map(({ anchorId, positiveId, negativeId }) => ({
      anchorId,
      positiveId: negativeId,
      negativeId: positiveId,
    }));
    const [, { count }] = await this.db.$transaction([
      this.db.rating.deleteMany({ where: { catalogId, OR: reversed } }),
      this.db.rating.createMany({ data: ratings.map((rating) => ({ ...rating, catalogId })), skipDuplicates: true }),
    ]);
    return count;
  }

  /** All that were received up to `until`, in the order of their ids. */
  upTo(until: Date): Promise<Rating[]> {
    return this.db.rating.findMany({
      where: { catalogId: this.catalogId, receivedAt: { lte: until } },
      select: { anchorId: true, positiveId: true, negativeId: true },
      orderBy: [{ anchorId: 'asc' }, { positiveId: 'asc' }, { negativeId: 'asc' }],
    });
  }
}
