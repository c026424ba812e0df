import type { PrismaClient } from '../generated/prisma/client.ts';

/** Contents of pictures, by their sha-256, whichever catalog has them: what is kept of one on a disk is kept for all. */
export class ContentRepository {
  constructor(private readonly db: PrismaClient) {}

  /** Those of the hashes that a picture has. */
  async named(contentHashes: readonly string[]): Promise<Set<string>> {
    const rows = await this.db.productImage.findMany({
      where: { contentHash: { in: [...contentHashes] } },
      distinct: ['contentHash'],
      select: { contentHash: true },
    });
    return new Set(rows.flatMap(({ contentHash }) => contentHash ?? []));
  }
}
