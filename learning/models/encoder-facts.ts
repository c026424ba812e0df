/** A part of an encoder's vectors that is a block of its own: what one layer of it sees. */
export type EncoderPart = {
  readonly name: string;
  /** Numbers in it, >= 1. */
  readonly length: number;
};

/** Facts about an encoder that go with its vectors. */
export type EncoderFacts = {
  /** Its name and the beginning of a sha-256 over its weights and all it does to a picture: one id, one function. */
  readonly id: string;
  /** For people. */
  readonly title: string;
  /** SPDX, of its weights. */
  readonly licence: string;
  /** Length of its vectors. */
  readonly dimensions: number;
  /** Parts of its vectors, one behind the other, together `dimensions`; absent: the whole vector is one. */
  readonly parts?: readonly EncoderPart[];
};

/** A feature of an encoder, and where it is in its vectors. */
export type EncodedFeature = { readonly feature: string; readonly start: number; readonly length: number };

const SEPARATOR = '#';

/** The features of an encoder, in the order of its vectors: `id` where it has no parts, else `id#part`. */
export function encodedFeatures({ id, dimensions, parts }: EncoderFacts): EncodedFeature[] {
  if (!parts) return [{ feature: id, start: 0, length: dimensions }];
  let end = 0;
  return parts.map(({ name, length }) => {
    end += length;
    return { feature: `${id}${SEPARATOR}${name}`, start: end - length, length };
  });
}

/** Where a feature is in the vectors of its encoder. @throws Error where the encoder has no such feature. */
export function placeIn(encoder: EncoderFacts, feature: string): EncodedFeature {
  const place = encodedFeatures(encoder).find((own) => own.feature === feature);
  if (!place) throw new Error(`The encoder ${encoder.id} has no feature ${feature}`);
  return place;
}

/** Whether a feature is one of the encoder with this id. */
export const isOfEncoder = (feature: string, id: string): boolean =>
  feature === id || feature.startsWith(`${id}${SEPARATOR}`);
