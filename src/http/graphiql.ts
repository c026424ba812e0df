import { createHash } from 'node:crypto';
import { extname } from 'node:path';
import express, { Router } from 'express';
import { type GraphQLSchema, printSchema } from 'graphql';
import { packageFile } from '../package-root.ts';

const ASSETS = '/graphiql';
const START = `ReactDOM.createRoot(document.getElementById('root')).render(
  React.createElement(GraphiQL, {
    fetcher: GraphiQL.createFetcher({ url: '/graphql' }),
    defaultQuery: '{\\n  products(first: 3) {\\n    nodes { id title similarItems(first: 3) { nodes { id title } } }\\n  }\\n}\\n',
  }),
);`;
const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Simili – GraphiQL</title>
<link rel="icon" href="/favicon.svg">
<link rel="stylesheet" href="${ASSETS}/graphiql.min.css">
<style>body { margin: 0 } #root { height: 100vh }</style>
<div id="root"></div>
<script src="${ASSETS}/react.production.min.js"></script>
<script src="${ASSETS}/react-dom.production.min.js"></script>
<script src="${ASSETS}/graphiql.min.js"></script>
<script>${START}</script>
</html>
`;
/** Its editor and menus write style elements; scripts are the package's own files and the one above. */
const POLICY =
  `default-src 'none'; script-src 'self' 'sha256-${createHash('sha256').update(START).digest('base64')}'; ` +
  "style-src 'self' 'unsafe-inline'; font-src 'self' data:; img-src 'self' data:; connect-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** The files are kept compressed, and every browser takes them so. */
const compressed = Router()
  .get(/\.(js|css)$/, (req, _res, next) => {
    req.url += '.gz';
    next();
  })
  .use(
    express.static(packageFile('dist/graphiql'), {
      maxAge: '1h',
      setHeaders: (res, path) => {
        if (!path.endsWith('.gz')) return;
        res.type(extname(path.slice(0, -'.gz'.length))).setHeader('Content-Encoding', 'gzip');
      },
    }),
  );

/**
 * GraphiQL for a browser that opens /graphql, and the contract at /schema.graphql. Its files come with the package
 * (scripts/build.mjs), none from elsewhere.
 */
export function graphiql(schema: GraphQLSchema): Router {
  const router = Router();
  // Of its paths a router answers OPTIONS by itself, without what allows pages of other origins.
  router.use((req, _res, next) => next(req.method === 'OPTIONS' ? 'router' : undefined));
  router.get('/schema.graphql', (_req, res) => {
    res.type('text/plain').send(printSchema(schema));
  });
  router.get('/graphql', (req, res, next) => {
    // A query sent with GET asks for an answer, whatever the browser says that it accepts.
    if (req.query.query !== undefined || req.accepts(['json', 'html']) !== 'html') return next();
    res.set({ 'Content-Security-Policy': POLICY, Vary: 'Accept' }).type('html').send(PAGE);
  });
  router.use(ASSETS, compressed);
  return router;
}
