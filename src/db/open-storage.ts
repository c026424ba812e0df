import { join } from 'node:path';
import type { Config } from '../config.ts';
import { openEmbedded } from './embedded.ts';
import { openPostgres } from './postgres.ts';
import type { Storage } from './storage.ts';

/**
 * Postgres when DATABASE_URL is set, else PGlite in the data directory. Migrates before it returns.
 * @throws SimiliError DATABASE_UNAVAILABLE, DATABASE_UNSUITABLE, DATA_DIR_LOCKED, MIGRATION_FAILED.
 */
export function openStorage(config: Pick<Config, 'DATABASE_URL' | 'SIMILI_DATA_DIR'>): Promise<Storage> {
  return config.DATABASE_URL
    ? openPostgres(config.DATABASE_URL)
    : openEmbedded(join(config.SIMILI_DATA_DIR, 'database'));
}
