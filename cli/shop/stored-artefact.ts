import { createHash } from 'node:crypto';
import type { ModelRepository } from '../../src/db/models.ts';
import { SimiliError } from '../../src/errors.ts';

/** A model version's bytes, and what to call it. */
export type Source = { artefact: Uint8Array; name: string };

/**
 * @param wanted id of a version, or `active`.
 * @throws SimiliError NOT_FOUND, ARTEFACT_CORRUPT when its checksum does not match.
 */
export async function storedArtefact(
  models: Pick<ModelRepository, 'serving' | 'artefact'>,
  wanted: string,
): Promise<Source> {
  const id = wanted === 'active' ? (await models.serving())?.modelId : wanted;
  const stored = id === undefined ? null : await models.artefact(id);
  if (!id || !stored) throw new SimiliError('NOT_FOUND', { what: 'model version', id: wanted });
  if (createHash('sha256').update(stored.artefact).digest('hex') !== stored.checksum) {
    throw new SimiliError('ARTEFACT_CORRUPT', { model: id, why: 'its checksum does not match' });
  }
  return { artefact: stored.artefact, name: id };
}
