import { readFile } from 'node:fs/promises';
import type { RequestHandler } from 'express';
import { packageFile } from '../package-root.ts';

const HOUR_S = 3600;

/**
 * GET /client.js: the package @simili/client in one module, for pages without a bundler, of whatever origin: it is public, as the file of the
 * package is, and says of nobody anything. Browsers keep it for an hour, and a day while they look for a newer one.
 */
export const clientScript: RequestHandler = async (_req, res) => {
  const script = await readFile(packageFile('dist/client.js'), 'utf8');
  res.set({
    'Cache-Control': `public, max-age=${HOUR_S}, stale-while-revalidate=${24 * HOUR_S}`,
    'Access-Control-Allow-Origin': '*',
    'Cross-Origin-Resource-Policy': 'cross-origin',
  });
  res.type('text/javascript').send(script);
};
