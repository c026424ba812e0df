import { serveHost } from '../hosts/serve.ts';
import { decodePicture, decodeSmall } from './decode.ts';
import type { DecodeLimits } from './decoded-picture.ts';

type Request = { bytes: Uint8Array; source: string; limits: DecodeLimits };

let last: Promise<unknown> = Promise.resolve();

/** One after the other: a decoder takes one core, whatever waits. */
function inTurn<Result>(task: () => Promise<Result>): Promise<Result> {
  const result = last.then(task);
  last = result.catch(() => {});
  return result;
}

const methods = {
  /** Answers when the decoder has loaded. */
  ready: async (_: null) => {},
  decode: ({ bytes, source, limits }: Request) => inTurn(() => decodePicture(bytes, source, limits)),
  decodeSmall: ({ bytes, source, limits }: Request) => inTurn(() => decodeSmall(bytes, source, limits)),
};
export type PictureHostApi = typeof methods;

/** The child process that parses pictures: what a hostile file breaks or stalls is this process and nothing else. */
serveHost(methods);
