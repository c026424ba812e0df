import { promisify } from 'node:util';
import { brotliCompress, brotliCompressSync, constants, gzip, gzipSync } from 'node:zlib';
import type { Request, RequestHandler, Response } from 'express';
import { LRUCache } from 'lru-cache';

/** Shorter answers gain nothing: they fit into one packet anyway. */
const SHORTEST_BYTES = 1024;
/** As fast as gzip's usual level, and a tenth smaller. */
const BROTLI_QUALITY = 4;

/** Longer ones are compressed beside the event loop. Up to here that takes .03 to .2 ms, less than the way to another thread and back. */
const LONGEST_AT_ONCE_BYTES = 16_384;

const likeText = ({ length }: Buffer) => ({
  params: { [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY, [constants.BROTLI_PARAM_SIZE_HINT]: length },
});
const CODINGS = {
  br: {
    atOnce: (body: Buffer) => brotliCompressSync(body, likeText(body)),
    beside: (body: Buffer) => promisify(brotliCompress)(body, likeText(body)),
  },
  gzip: { atOnce: (body: Buffer) => gzipSync(body), beside: (body: Buffer) => promisify(gzip)(body) },
};
type Coding = keyof typeof CODINGS;

/**
 * Whole answers in the coding that the caller likes best, Brotli before gzip. Streams are left as they are.
 * Where a page of an attacker makes a browser ask, lengths of compressed answers tell of their content: no answer here holds a secret of
 * the asking browser, which sends neither cookie nor key.
 */
export const compressed: RequestHandler = (req, res, next) => {
  res.vary('Accept-Encoding');
  const { coding } = known.memo(String(req.headers['accept-encoding'] ?? ''), { context: req });
  if (coding !== null) encodeBody(res, coding);
  next();
};

/** Codings that headers ask for: clients send the same few. */
const known = new LRUCache<string, { coding: Coding | null }, Request>({
  max: 100,
  memoMethod(_header, _before, { context: req }) {
    const liked = req.acceptsEncodings('br', 'gzip');
    return { coding: liked && liked in CODINGS ? (liked as Coding) : null };
  },
});

function encodeBody(res: Response, coding: Coding): void {
  const send = res.send.bind(res);
  res.send = (body: unknown) => {
    res.send = send;
    if (typeof body !== 'string' || Buffer.byteLength(body) < SHORTEST_BYTES) return send(body);
    const bytes = Buffer.from(body);
    const sendEncoded = (encoded: Buffer) => {
      res.set('Content-Encoding', coding);
      return send(encoded);
    };
    if (bytes.length <= LONGEST_AT_ONCE_BYTES) return sendEncoded(CODINGS[coding].atOnce(bytes));
    CODINGS[coding].beside(bytes).then(sendEncoded, () => send(body));
    return res;
  };
}
