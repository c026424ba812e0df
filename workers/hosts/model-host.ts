import { readFile } from 'node:fs/promises';
import type { NetworkSpec } from '../../src/learning/network/spec.ts';
import { tryBackbone } from '../engines/try-backbone.ts';
import { serveHost } from './serve.ts';

const methods = {
  tryBackbone: async ({ path, base }: { path: string; base: NetworkSpec }) =>
    tryBackbone(await readFile(path), base, path),
};
export type ModelHostApi = typeof methods;

/** The child process that runs networks of strangers: what a hostile file breaks or stalls is this process. */
serveHost(methods);
