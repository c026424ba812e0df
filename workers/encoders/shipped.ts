import { createRequire } from 'node:module';
import { dirname } from 'node:path';

/** Names of the encoders that come with the workers, each a package of its own: `@simili/<name>`. */
export const shippedEncoders: readonly string[] = ['efficientnet-lite0'];

/** The folder of an encoder that ships; null for any other name. */
export function shippedEncoder(name: string): string | null {
  if (!shippedEncoders.includes(name)) return null;
  return dirname(createRequire(import.meta.url).resolve(`@simili/${name}/encoder.json`));
}
