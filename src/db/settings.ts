import type { PrismaClient } from '../generated/prisma/client.ts';

/** Values that a catalog's processes tell each other. */
export class SettingRepository {
  constructor(
    private readonly db: PrismaClient,
    private readonly catalogId: string,
  ) {}

  async get(key: string): Promise<string | null> {
    const { catalogId } = this;
    return (await this.db.setting.findUnique({ where: { catalogId_key: { catalogId, key } } }))?.value ?? null;
  }

  async set(key: string, value: string): Promise<void> {
    const own = { catalogId: this.catalogId, key };
    await this.db.setting.upsert({ where: { catalogId_key: own }, create: { ...own, value }, update: { value } });
  }
}
