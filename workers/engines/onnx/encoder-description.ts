import { createHash } from 'node:crypto';
import type { EncoderFacts } from '@simili/learning/models/encoder-facts';
import { z } from 'zod';

const channels = z.tuple([z.number(), z.number(), z.number()]);
const positive = z.number().positive();
const part = z.strictObject({ name: z.string().regex(/^[a-z0-9-]{1,32}$/), length: z.int().positive() });

/** Content of `encoder.json`: a pretrained network and how it wants its pictures. docs/encoders.md explains each field. */
const Description = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'must be small letters, digits, dots and dashes'),
  title: z.string().min(1).max(200),
  /** SPDX */
  licence: z.string().min(1).max(100),
  /** Beside the description. */
  model: z.string().min(1),
  /** Hash of the model's file. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/, 'must be a sha-256 in small hex'),
  input: z.strictObject({
    name: z.string().min(1),
    /** Pixels; the whole trimmed square is scaled to it. */
    side: z.int().min(8).max(1024),
    layout: z.enum(['NCHW', 'NHWC']),
    channels: z.enum(['RGB', 'BGR']),
    /** On the scale 0 to 255, in the order of `channels`. */
    mean: channels,
    deviation: z.tuple([positive, positive, positive]),
  }),
  output: z.strictObject({
    name: z.string().min(1),
    dimensions: z.int().min(1).max(16_000),
    /** none: [n, dimensions]; mean: over the pixels of a map in the layout of the input, or over tokens; first: the first token. */
    pooling: z.enum(['none', 'mean', 'first']),
    /** Outputs of several layers, each pooled, one behind the other: each is a block of its own. */
    parts: z.array(part).min(1).max(8).exactOptional(),
  }),
});
export type EncoderDescription = z.infer<typeof Description>;

/** @throws Error with a sentence that says what is wrong. */
export function parseDescription(json: unknown): EncoderDescription {
  const parsed = Description.safeParse(json);
  if (!parsed.success) throw new Error(z.prettifyError(parsed.error));
  checkParts(parsed.data.output);
  return parsed.data;
}

function checkParts({ parts, dimensions }: EncoderDescription['output']): void {
  if (!parts) return;
  const total = parts.reduce((sum, { length }) => sum + length, 0);
  if (total !== dimensions) throw new Error(`output.parts have ${total} numbers, output.dimensions says ${dimensions}`);
  if (new Set(parts.map(({ name }) => name)).size < parts.length)
    throw new Error('two of output.parts have the same name');
}

/** Names and titles may change without changing what it computes: they are no part of the id's checksum. */
export function factsOf({ name, title, licence, sha256, input, output }: EncoderDescription): EncoderFacts {
  const computed = createHash('sha256').update(JSON.stringify({ sha256, input, output })).digest('hex');
  return {
    id: `${name}-${computed.slice(0, 12)}`,
    title,
    licence,
    dimensions: output.dimensions,
    ...(output.parts && { parts: output.parts }),
  };
}

/** An encoder whose files are on this machine. */
export type InstalledEncoder = {
  readonly facts: EncoderFacts;
  readonly description: EncoderDescription;
  /** Path of its ONNX file. */
  readonly path: string;
};
