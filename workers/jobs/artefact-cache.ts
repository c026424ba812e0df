import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ModelRepository } from 'simili/internal/db/models';
import { SimiliError } from 'simili/internal/errors';
import { PRIVATE_FOLDER, writeWhole } from 'simili/internal/private-files';
import { sha256 } from '../tools/sha256.ts';

type Models = Pick<ModelRepository, 'artefact' | 'byId' | 'inUse'>;
const SUFFIX = '.safetensors';
export type ArtefactCache = {
  /**
   * The file of a version's artefact, fetched from the database when this machine has none.
   * @param models of the version's catalog.
   * @throws SimiliError NOT_FOUND, ARTEFACT_CORRUPT.
   */
  pathOf(models: Models, modelId: string): Promise<{ path: string; checksum: string }>;
};

/**
 * A cache by content: deleting it costs a fetch, never truth. Several who need one at once wait for one fetch, and what is fetched takes the place of what no
 * version with vectors needs any more.
 */
export function openArtefactCache(dir: string): ArtefactCache {
  const fetching = new Map<string, Promise<void>>();
  /** Files that were read whole since this process began: one that was damaged before is fetched anew. */
  const sound = new Set<string>();
  const keep = async (models: Models, modelId: string, checksum: string, path: string): Promise<void> => {
    if (!(await isWhole(path, checksum))) {
      await prune(models, dir);
      await fetchArtefact(models, modelId, dir, path);
    }
    sound.add(checksum);
  };
  return {
    async pathOf(models, modelId) {
      const model = await models.byId(modelId);
      if (!model) throw new SimiliError('NOT_FOUND', { what: 'model version', id: modelId });
      const { checksum } = model;
      const path = join(dir, `${checksum}${SUFFIX}`);
      if (!(sound.has(checksum) && existsSync(path))) {
        const fetch = fetching.get(checksum) ?? keep(models, modelId, checksum, path);
        fetching.set(checksum, fetch);
        await fetch.finally(() => fetching.delete(checksum));
      }
      return { path, checksum };
    },
  };
}

async function isWhole(path: string, checksum: string): Promise<boolean> {
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  return bytes !== null && sha256(bytes) === checksum;
}

async function fetchArtefact(models: Models, modelId: string, dir: string, path: string): Promise<void> {
  const stored = await models.artefact(modelId);
  if (!stored) throw new SimiliError('NOT_FOUND', { what: 'artefact of model version', id: modelId });
  if (sha256(stored.artefact) !== stored.checksum) {
    throw new SimiliError('ARTEFACT_CORRUPT', { model: modelId, why: 'its checksum does not match' });
  }
  await mkdir(dir, { recursive: true, mode: PRIVATE_FOLDER });
  await writeWhole(path, stored.artefact); // another process may fetch the same
}

async function prune(models: Models, dir: string): Promise<void> {
  const names = await readdir(dir).catch(() => []); // before the first
  const own = names.filter((name) => name.endsWith(SUFFIX)).map((name) => name.slice(0, -SUFFIX.length));
  const used = await models.inUse(own);
  const unused = own.filter((checksum) => !used.has(checksum));
  await Promise.all(unused.map((checksum) => rm(join(dir, checksum + SUFFIX), { force: true })));
}
