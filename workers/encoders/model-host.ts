import { readFile } from 'node:fs/promises';
import type { Encoder } from '@simili/learning/models/encoder';
import type { NetworkSpec } from '@simili/learning/network/spec';
import type { Picture } from '@simili/learning/picture';
import { tryBackbone } from '../engines/try-backbone.ts';
import { serveHost } from '../hosts/serve.ts';
import { type TriedEncoder, tryEncoder } from './try-encoder.ts';

/** That was tried last. */
let encoder: Encoder | null = null;

const methods = {
  tryBackbone: async ({ path, base }: { path: string; base: NetworkSpec }) =>
    tryBackbone(await readFile(path), base, path),
  tryEncoder: async ({ choice, dataDir }: { choice: string; dataDir?: string }): Promise<TriedEncoder> => {
    const found = await tryEncoder(choice, dataDir);
    encoder = found.encoder;
    return found.tried;
  },
  /** @returns [pictures, dimensions] */
  encode: async ({ pictures }: { pictures: readonly Picture[] }): Promise<Float32Array> => {
    if (!encoder) throw new Error('No encoder was tried');
    return encoder.encode(pictures);
  },
};
export type ModelHostApi = typeof methods;

/** The child process that runs networks of strangers: what a hostile file breaks or stalls is this process. */
serveHost(methods);
