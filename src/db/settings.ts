import type { PrismaClient } from '../generated/prisma/client.ts';

/** Values that one process generates and all share. */
export class SettingRepository {
  constructor(private readonly db: PrismaClient) {}

  async get(key: string): Promise<string | null> {
    return (await this.db.setting.findUnique({ where: { key } }))?.value ?? null;
  }

  /** Stores `value` unless there is one. @returns the stored value and whether it is ours: of several starters one wins. */
  async getOrCreate(key: string, value: string): Promise<{ value: string; created: boolean }> {
    const { count } = await this.db.setting.createMany({ data: [{ key, value }], skipDuplicates: true });
    return { value: (await this.get(key)) ?? value, created: count === 1 };
  }

  async set(key: string, value: string): Promise<void> {
    await this.db.setting.upsert({ where: { key }, create: { key, value }, update: { value } });
  }
}
