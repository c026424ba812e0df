import type { Request, RequestHandler } from 'express';

/** Where a page comes from, as its browser says; a program says nothing. */
type Source = 'no page' | 'own page' | 'allowed page' | 'foreign page';

/** Headers that a page may add to a request of its own: names as fetch accepts them, of bounded length and number. */
const NAME = /^[a-z0-9-]{1,64}$/;
const MOST_NAMES = 64;
const ALWAYS = ['content-type', 'apollo-require-preflight'];
/** Headers by which others tell us who is asking, or that stand for a right: not for pages to set. */
const NOT_FOR_PAGES = /^(authorization|cookie2?|forwarded|x-forwarded-.*|x-real-ip|proxy-.*|sec-.*)$/;

export const sourceOf = (req: Request, origins: readonly string[]): Source => {
  const { origin } = req.headers;
  if (origin === undefined) return 'no page';
  if (origins.includes('*') || origins.includes(origin)) return 'allowed page';
  // The browser's own word, which no page can say: behind a proxy the host may be another than pages know.
  if (req.headers['sec-fetch-site'] === 'same-origin') return 'own page';
  return URL.canParse(origin) && new URL(origin).host === req.host ? 'own page' : 'foreign page';
};

/**
 * Pages of the given origins may read the answers; `*` stands for all. No cookies are used, so none are allowed. Tracing
 * and client libraries add headers of their own, more of them every year: a preflight is granted what it asks for, save
 * what is not for pages to say.
 */
export const allowOrigins =
  (origins: readonly string[]): RequestHandler =>
  (req, res, next) => {
    res.vary('Origin');
    if (sourceOf(req, origins) !== 'allowed page') return next();
    res.set({
      'Access-Control-Allow-Origin': req.headers.origin,
      // Date: a browser whose clock is wrong says when something happened by ours.
      'Access-Control-Expose-Headers': 'Date, Retry-After',
    });
    if (req.method !== 'OPTIONS') return next();
    res.vary('Access-Control-Request-Headers').set({
      'Access-Control-Allow-Methods': 'GET, POST',
      'Access-Control-Allow-Headers': grantedHeaders(req.headers['access-control-request-headers']).join(', '),
      'Access-Control-Max-Age': '600',
    });
    res.status(204).end();
  };

/** @param asked as the browser sends it: lower case, comma separated. */
export function grantedHeaders(asked: string | string[] | undefined): string[] {
  const names = String(asked ?? '')
    .split(',', MOST_NAMES)
    .map((name) => name.trim().toLowerCase());
  return [...new Set([...ALWAYS, ...names.filter((name) => NAME.test(name) && !NOT_FOR_PAGES.test(name))])];
}
