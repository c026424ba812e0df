import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { RequestHandler, Response } from 'express';

/** Shorter answers gain nothing: they fit into one packet anyway. */
const SHORTEST_BYTES = 1024;
/** As fast as gzip's usual level, and a tenth smaller. */
const BROTLI_QUALITY = 4;

const brotli = promisify(brotliCompress);
const gzipped = promisify(gzip);

const CODINGS = {
  br: (body: Buffer) =>
    brotli(body, {
      params: { [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY, [constants.BROTLI_PARAM_SIZE_HINT]: body.length },
    }),
  gzip: (body: Buffer) => gzipped(body),
};
type Coding = keyof typeof CODINGS;

/**
 * Whole answers in the coding that the caller likes best, Brotli before gzip, made beside the event loop. Streams are left as they are.
 * Where a page of an attacker makes a browser ask, lengths of compressed answers tell of their content: no answer here holds a secret of
 * the asking browser, which sends neither cookie nor key.
 */
export const compressed: RequestHandler = (req, res, next) => {
  res.vary('Accept-Encoding');
  const coding = req.acceptsEncodings('br', 'gzip') as Coding | false;
  if (coding && coding in CODINGS) encodeBody(res, coding);
  next();
};

function encodeBody(res: Response, coding: Coding): void {
  const send = res.send.bind(res);
  res.send = (body: unknown) => {
    res.send = send;
    if (typeof body !== 'string' || Buffer.byteLength(body) < SHORTEST_BYTES) return send(body);
    CODINGS[coding](Buffer.from(body)).then(
      (encoded) => send.call(res.set('Content-Encoding', coding), encoded),
      () => send(body),
    );
    return res;
  };
}
