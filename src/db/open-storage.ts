import { join } from 'node:path';
import type { Config } from '../config.ts';
import type { Storage } from './session/storage.ts';

/**
 * Postgres when DATABASE_URL is set, else PGlite in the data directory. Migrates before it returns.
 * @throws SimiliError DATABASE_UNAVAILABLE, DATABASE_UNSUITABLE, DATA_DIR_LOCKED, MIGRATION_FAILED.
 */
export async function openStorage(
  config: Pick<Config, 'DATABASE_URL' | 'SIMILI_DATA_DIR'> & Partial<Pick<Config, 'SIMILI_PAGES_AT_ONCE'>>,
): Promise<Storage> {
  // Either driver takes a while to load.
  if (config.DATABASE_URL) {
    const { openPostgres } = await import('./postgres.ts');
    return openPostgres(config.DATABASE_URL, config.SIMILI_PAGES_AT_ONCE);
  }
  const { openEmbedded } = await import('./embedded.ts');
  return openEmbedded(join(config.SIMILI_DATA_DIR, 'database'));
}
