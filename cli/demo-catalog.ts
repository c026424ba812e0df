import { existsSync } from 'node:fs';
import { type CatalogEntry, readCatalog } from '../src/catalog/import/index.ts';
import { packageFile } from '../src/package-root.ts';

/** The demo pictures that the build puts beside the code (scripts/pack-demo.ts); null: this build was made without them. */
export function demoCatalog(
  file: string = packageFile('dist/demo/catalog.jsonl'),
): AsyncGenerator<CatalogEntry> | null {
  return existsSync(file) ? readCatalog(file) : null;
}
