import { DEFAULT_CATALOG, isCatalogId, LONGEST_CATALOG_ID } from '../catalog-id.ts';
import type { CatalogRepository } from '../db/catalogs.ts';
import type { Repositories } from '../db/repositories.ts';
import { SimiliError } from '../errors.ts';

/** @returns false when it was there already: safe to repeat. @throws SimiliError INVALID_ARGUMENT. */
export async function createCatalog(catalogs: Pick<CatalogRepository, 'create'>, id: string): Promise<boolean> {
  if (isCatalogId(id)) return catalogs.create(id);
  const why = `must be 1 to ${LONGEST_CATALOG_ID} lower-case letters, digits and single dashes between them, not ${JSON.stringify(id)}`;
  throw new SimiliError('INVALID_ARGUMENT', { argument: 'catalog', why });
}

/**
 * Removes a catalog with everything in it: products, feedback, versions, jobs. Nothing brings it back.
 * @param force also one that has products.
 * @throws SimiliError INVALID_ARGUMENT, CATALOG_UNKNOWN.
 */
export async function removeCatalog(
  repositories: Pick<Repositories, 'catalogs' | 'forCatalog'>,
  id: string,
  force: boolean,
): Promise<void> {
  const refuse = (why: string) => new SimiliError('INVALID_ARGUMENT', { argument: 'catalog', why });
  if (id === DEFAULT_CATALOG) throw refuse(`${id} stays: it is the catalog of whoever names none`);
  const products = force ? 0 : await repositories.forCatalog(id).products.count();
  if (products > 0) throw refuse(`${id} has ${products} products: add --force, and everything in it is gone for good`);
  if (!(await repositories.catalogs.remove(id))) throw new SimiliError('CATALOG_UNKNOWN', { catalog: id });
}
