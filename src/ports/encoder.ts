import { SimiliError } from '../errors.ts';
import { checkSpace, type EmbeddingSpace, PICTURES } from './space.ts';

/** A product as an encoder reads it. */
export type ProductFacts = {
  readonly id: string;
  readonly title: string;
  readonly url: string | null;
  /** From broad to narrow. */
  readonly categories: readonly string[];
  readonly tags: readonly string[];
  /** Exact decimal. */
  readonly price: string | null;
  readonly currency: string | null;
  readonly available: boolean;
};
/**
 * A product and its decoded pictures, in their order: one or more. `contentHash` is of a picture's bytes, sha-256; `source` its address, its path, or
 * `upload:<contentHash>` where it was sent as a file.
 */
export type ProductPictures = {
  readonly productId: string;
  readonly pictures: readonly { readonly source: string; readonly contentHash: string }[];
};

/**
 * An encoder's answer for one product: its vector, which is made unit length; null: there is nothing to say of it as it is;
 * undefined: not now, ask again.
 */
export type Encoded = Float32Array | null | undefined;

type EncoderOf<Input extends string, Item> = {
  /** Names what it computes: an encoder that would give a product another vector has another id. At most 100 characters. */
  readonly id: string;
  /** Where its vectors live. Two encoders of one shop have two spaces. */
  readonly space: EmbeddingSpace;
  /** Weight of its squared distance where the pictures' is 1; over 0, at most 100. */
  readonly weight: number;
  /**
   * Its input, and so when a product is encoded anew: `product`, whenever anything that its sender says of it has changed;
   * `pictures`, whenever one of its decoded pictures has.
   */
  readonly input: Input;
  /** Products of one call, at most; default 64. */
  readonly batch?: number;
  /**
   * Vectors of some products, in their order. It may be called again for a product, also at the same time, and must then say
   * the same. What it throws ends the job that asked; products that arrive later wait, and it is asked again.
   */
  encode(items: readonly Item[], signal: AbortSignal): Promise<readonly Encoded[]>;
};

/** Reads what is said of products. */
export type ProductEncoder = EncoderOf<'product', ProductFacts>;
/** Reads pictures. */
export type PictureEncoder = EncoderOf<'pictures', ProductPictures>;
/** Gives products vectors of one space. A version has the space of its pictures, and one for each of the shop's own encoders. */
export type Encoder = ProductEncoder | PictureEncoder;

/** @throws SimiliError CONFIGURATION_INVALID: what is wrong with the first that is not right. */
export function checkEncoders(encoders: readonly Encoder[]): void {
  const isList = Array.isArray(encoders) && encoders.every((one) => typeof one === 'object' && one !== null);
  if (!isList)
    throw new SimiliError('CONFIGURATION_INVALID', { why: 'Encoders are a list of objects: `encoders: [mine]`' });
  const names = new Set<string>([PICTURES]);
  for (const { id, space, weight, input, encode } of encoders) {
    const refuse = (why: string): never => {
      throw new SimiliError('CONFIGURATION_INVALID', { why: `The encoder ${JSON.stringify(id)} ${why}` });
    };
    if (typeof id !== 'string' || !/^[\w.@#-]{1,100}$/.test(id))
      refuse('needs an id of at most 100 letters, digits and . _ - @ #');
    if (typeof encode !== 'function') refuse('has no function encode');
    if (input !== 'product' && input !== 'pictures') refuse('reads neither `product` nor `pictures`');
    if (typeof weight !== 'number' || !(weight > 0 && weight <= 100))
      refuse(`needs a weight over 0, at most 100, a number, not ${JSON.stringify(weight)}`);
    if (typeof space !== 'object' || space === null) refuse('has no space: `{ name, dimensions, distance, storage }`');
    checkSpace(space);
    if (names.has(space.name)) refuse(`has a space ${space.name}, and that name is taken`);
    names.add(space.name);
  }
}
