import type { RequestHandler, Response } from 'express';

/**
 * Answers to POST go out as they are: nobody keeps them, so they need no mark (ETag), for which express hashes the whole of each, and nobody has them already.
 * Answers whose type lacks its charset still go express' way.
 */
export const unmarked: RequestHandler = (req, res, next) => {
  if (req.method === 'POST') sendAsItIs(res);
  next();
};

function sendAsItIs(res: Response): void {
  const send = res.send.bind(res);
  res.send = (body: unknown) => {
    const isText = typeof body === 'string' || Buffer.isBuffer(body);
    if (!isText || !/charset=/.test(String(res.getHeader('content-type')))) return send(body);
    return res.end(body); // Node says how long it is
  };
}
