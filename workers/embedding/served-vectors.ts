import type { EmbeddingRepository } from 'simili/internal/db/embeddings';
import { type ModelRow, type OfSpaces, spacesOf } from 'simili/internal/db/models';
import type { VersionSpace } from 'simili/internal/ports/space';

type Version = Pick<ModelRow, 'number'> & OfSpaces;

/**
 * Vectors whose squared distances are what a version ranks by: of several spaces, their concatenation, each times the root of its
 * share. A product that one of the others knows nothing of has zeros there. Products without a vector of their pictures are left out.
 */
export async function servedVectors(
  embeddings: Pick<EmbeddingRepository, 'vectors'>,
  model: Version,
  ids: readonly string[],
): Promise<Map<string, Float32Array>> {
  const spaces = spacesOf(model);
  const found = await Promise.all(spaces.map((space) => embeddings.vectors(model.number, ids, space)));
  const [pictures] = found as [Map<string, Float32Array>];
  if (spaces.length === 1) return pictures;
  const total = spaces.reduce((sum, { weight }) => sum + weight, 0);
  const factors = spaces.map((space) => Math.sqrt((space.weight / total) * scaleOf(space)));
  const length = spaces.reduce((sum, { dimensions }) => sum + dimensions, 0);
  return new Map(
    [...pictures.keys()].map((id) => {
      const row = new Float32Array(length);
      let at = 0;
      for (const [i, { dimensions }] of spaces.entries()) {
        row.set(found[i]!.get(id)?.map((value) => value * factors[i]!) ?? [], at);
        at += dimensions;
      }
      return [id, row];
    }),
  );
}

/** Factor of a squared distance: two of `dimensions` bits are 0 to 4 apart, as two unit vectors are. */
const scaleOf = ({ storage, dimensions }: VersionSpace): number => (storage === 'bit' ? 4 / dimensions : 1);
