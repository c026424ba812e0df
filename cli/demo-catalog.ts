import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type CatalogEntry, readCatalog } from '../src/catalog/import/index.ts';

/** The demo catalog, where the package `@simili/demo` is installed (scripts/pack-demo.ts makes its files); else null. */
export function demoCatalog(file: string | null = installedDemo()): AsyncGenerator<CatalogEntry> | null {
  return file !== null && existsSync(file) ? readCatalog(file) : null;
}

function installedDemo(): string | null {
  try {
    return createRequire(import.meta.url).resolve('@simili/demo/catalog.jsonl');
  } catch {
    return null;
  }
}
