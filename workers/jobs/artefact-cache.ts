import { existsSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ModelRepository } from 'simili/internal/db/models';
import { SimiliError } from 'simili/internal/errors';
import { PRIVATE_FILE, PRIVATE_FOLDER } from 'simili/internal/private-files';
import { sha256 } from '../tools/sha256.ts';

type Models = Pick<ModelRepository, 'artefact' | 'byId'>;
export type ArtefactCache = {
  /**
   * The file of a version's artefact, fetched from the database when this machine has none.
   * @param models of the version's catalog.
   * @throws SimiliError NOT_FOUND, ARTEFACT_CORRUPT.
   */
  pathOf(models: Models, modelId: string): Promise<{ path: string; checksum: string }>;
};

/** A cache by content: deleting it costs a fetch, never truth. */
export function openArtefactCache(dir: string): ArtefactCache {
  return {
    async pathOf(models, modelId) {
      const model = await models.byId(modelId);
      if (!model) throw new SimiliError('NOT_FOUND', { what: 'model version', id: modelId });
      const path = join(dir, `${model.checksum}.safetensors`);
      if (!existsSync(path)) await fetchArtefact(models, modelId, dir, path);
      return { path, checksum: model.checksum };
    },
  };
}

async function fetchArtefact(
  models: Pick<ModelRepository, 'artefact'>,
  modelId: string,
  dir: string,
  path: string,
): Promise<void> {
  const stored = await models.artefact(modelId);
  if (!stored) throw new SimiliError('NOT_FOUND', { what: 'model version', id: modelId });
  if (sha256(stored.artefact) !== stored.checksum) {
    throw new SimiliError('ARTEFACT_CORRUPT', { model: modelId, why: 'its checksum does not match' });
  }
  await mkdir(dir, { recursive: true, mode: PRIVATE_FOLDER });
  const aside = `${path}.${process.pid}.tmp`;
  await writeFile(aside, stored.artefact, { mode: PRIVATE_FILE });
  await rename(aside, path);
}
