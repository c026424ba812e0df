import { decodePicture } from '../pictures/decode.ts';
import type { DecodeLimits } from '../pictures/decoded-picture.ts';
import { serveHost } from './serve.ts';

const methods = {
  /** Answers when the decoder has loaded. */
  ready: async (_: null) => {},
  decode: (args: { bytes: Uint8Array; source: string; limits: DecodeLimits }) =>
    decodePicture(args.bytes, args.source, args.limits),
};
export type PictureHostApi = typeof methods;

/** The child process that parses pictures: what a hostile file breaks or stalls is this process and nothing else. */
serveHost(methods);
