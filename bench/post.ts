import type { Pool } from 'undici';

/**
 * Sends a document and reads the answer whole. By undici's `dispatch`, not `request`: on a machine that is shared by all, a client that makes a stream and several promises of each
 * answer takes .4 to 1 ms of processor where this takes .25, and would be measured with the server.
 */
export const post = (pool: Pool, body: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const headers = { 'content-type': 'application/json' };
    pool.dispatch(
      { path: '/graphql', method: 'POST', headers, body },
      {
        onRequestStart() {},
        onResponseStart() {},
        onResponseData: (_controller, chunk) => void chunks.push(chunk),
        onResponseEnd: () => resolve(Buffer.concat(chunks).toString()),
        onResponseError: (_controller, error) => reject(error),
      },
    );
  });
