import type { PrismaClient } from '../generated/prisma/client.ts';

/** Values of no catalog, which one process generates and all share. */
export class InstallationRepository {
  constructor(private readonly db: PrismaClient) {}

  async get(key: string): Promise<string | null> {
    return (await this.db.installationSetting.findUnique({ where: { key } }))?.value ?? null;
  }

  /** Stores `value` unless there is one. @returns the stored value and whether it is ours: of several starters one wins. */
  async getOrCreate(key: string, value: string): Promise<{ value: string; created: boolean }> {
    const { count } = await this.db.installationSetting.createMany({ data: [{ key, value }], skipDuplicates: true });
    return { value: (await this.get(key)) ?? value, created: count === 1 };
  }

  /**
   * A turn for one of all processes: true when nobody took this turn in the last `seconds`, on the database's clock. A
   * clock that was put back holds up nobody.
   */
  async takeTurn(name: string, seconds: number): Promise<boolean> {
    const taken = await this.db.$executeRaw`
      INSERT INTO simili.installation_setting AS stored (key, value)
      VALUES (${`turn ${name}`}, extract(epoch FROM now())::text)
      ON CONFLICT (key) DO UPDATE SET value = excluded.value
      WHERE excluded.value::float8 - stored.value::float8 NOT BETWEEN -${seconds}::float8 AND ${seconds}::float8`;
    return taken > 0;
  }

  async set(key: string, value: string): Promise<void> {
    await this.db.installationSetting.upsert({ where: { key }, create: { key, value }, update: { value } });
  }
}
