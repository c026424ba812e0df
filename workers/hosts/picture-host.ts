import { decodePicture } from '../pictures/decode.ts';
import type { DecodeLimits } from '../pictures/decoded-picture.ts';
import { serveHost } from './serve.ts';

let last: Promise<unknown> = Promise.resolve();

const methods = {
  /** Answers when the decoder has loaded. */
  ready: async (_: null) => {},
  /** One after the other: a decoder takes one core, whatever waits. */
  decode({ bytes, source, limits }: { bytes: Uint8Array; source: string; limits: DecodeLimits }) {
    const decoded = last.then(() => decodePicture(bytes, source, limits));
    last = decoded.catch(() => {});
    return decoded;
  },
};
export type PictureHostApi = typeof methods;

/** The child process that parses pictures: what a hostile file breaks or stalls is this process and nothing else. */
serveHost(methods);
