import type { ApiKey, PrismaClient } from '../generated/prisma/client.ts';

export type ApiKeyRow = Omit<ApiKey, 'hash'>;
export type NewApiKey = Pick<ApiKey, 'id' | 'name' | 'hash' | 'scopes' | 'catalogId'>;

/** Keys with scopes. Of the keys themselves only hashes are kept. */
export class ApiKeyRepository {
  constructor(private readonly db: PrismaClient) {}

  async create(key: NewApiKey): Promise<ApiKeyRow> {
    return this.db.apiKey.create({ data: key, omit: { hash: true } });
  }

  byHash(hash: string): Promise<ApiKeyRow | null> {
    return this.db.apiKey.findUnique({ where: { hash }, omit: { hash: true } });
  }

  /** Oldest first. */
  list(): Promise<ApiKeyRow[]> {
    return this.db.apiKey.findMany({ orderBy: [{ createdAt: 'asc' }, { id: 'asc' }], omit: { hash: true } });
  }

  /** From now on nobody is let in with it. @returns whether there was one. */
  async remove(id: string): Promise<boolean> {
    return (await this.db.apiKey.deleteMany({ where: { id } })).count > 0;
  }
}
