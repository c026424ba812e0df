import { SimiliError } from '../errors.ts';

/** Vectors that are compared with each other: how many numbers, how far apart two are, how the database keeps them. */
export type EmbeddingSpace = {
  /** Small letter, then small letters, digits and _: at most 30 characters. */
  readonly name: string;
  /** Numbers of a vector, from 1; of `bit`, bits. At most 2,000 (vector), 4,000 (halfvec) or 64,000 (bit), as pgvector indexes them. */
  readonly dimensions: number;
  /** How far apart two are. Unit vectors are ranked alike by euclidean and cosine; hamming is for bits, and only for these. */
  readonly distance: 'euclidean' | 'cosine' | 'hamming';
  /** Four bytes a number, two, or one bit: whether the number is over 0. */
  readonly storage: 'vector' | 'halfvec' | 'bit';
};

/** A space and its index. */
export type IndexedSpace = EmbeddingSpace & {
  /** A binary index has the signs of the vectors alone, and its nearest are ranked anew by the vectors. Left out: it has the vectors. Not of `bit`. */
  readonly isBinary?: boolean;
  /** Candidates by which the index finds nearly all of the nearest, as it was measured. Left out: it was not. */
  readonly candidates?: number;
};

/** A space of a model version. */
export type VersionSpace = IndexedSpace & {
  /** Weight of its squared distance beside those of the other spaces, over 0; the pictures' is 1. */
  readonly weight: number;
  /** Id of the encoder whose vectors it holds; null: the version's own artefact makes them, of pictures. */
  readonly encoder: string | null;
};

/** Name of the space that every version has: what its artefact makes of pictures. */
export const PICTURES = 'pictures';

export const pictureSpace = (
  dimensions: number,
  storage: EmbeddingSpace['storage'] = 'vector',
  { isBinary, candidates }: { isBinary?: boolean; candidates?: number | null } = {},
): VersionSpace => ({
  name: PICTURES,
  dimensions,
  distance: 'euclidean',
  storage,
  weight: 1,
  encoder: null,
  ...(isBinary && { isBinary }),
  ...(candidates && { candidates }),
});

/** Squared distance at which two unit vectors have nothing in common. A product that a space knows nothing of is that far from all. */
export const UNRELATED = 2;

const MOST_DIMENSIONS = { vector: 2000, halfvec: 4000, bit: 64_000 };

/** @throws SimiliError CONFIGURATION_INVALID */
export function checkSpace({ name, dimensions, distance, storage }: EmbeddingSpace): void {
  const refuse = (why: string): never => {
    throw new SimiliError('CONFIGURATION_INVALID', { why: `The space ${JSON.stringify(name)} ${why}` });
  };
  if (!/^[a-z][a-z0-9_]{0,29}$/.test(name)) refuse('needs a name of small letters, digits and _, at most 30');
  if (!Object.hasOwn(MOST_DIMENSIONS, storage)) refuse(`cannot be stored as ${storage}: vector, halfvec or bit`);
  const most = MOST_DIMENSIONS[storage];
  if (!Number.isInteger(dimensions) || dimensions < 1 || dimensions > most)
    refuse(`has ${dimensions} dimensions: a ${storage} may have 1 to ${most}`);
  if (!['euclidean', 'cosine', 'hamming'].includes(distance))
    refuse(`has no distance ${distance}: euclidean, cosine or hamming`);
  const isOfBits = storage === 'bit';
  if (isOfBits !== (distance === 'hamming'))
    refuse('is of bits or not: storage bit goes with distance hamming, and only with it');
}
