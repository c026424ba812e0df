import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ApolloServer } from '@apollo/server';
import { createHandler } from 'graphql-sse/lib/use/http';
import type { FakeShop } from './fake-shop.ts';

const WEB = fileURLToPath(new URL('../../web', import.meta.url));
const CLIENT = fileURLToPath(new URL('../../dist/client.js', import.meta.url));
/** As POST /feedback asks it (src/http/feedback.ts). */
const SUBMIT =
  'mutation ($input: SubmitFeedbackInput!) { submitFeedback(input: $input) { accepted rejected userErrors { code message } } }';
/** As the API serves the page (src/server.ts). */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' https: http:; connect-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

export type FakeShopServer = AsyncDisposable & {
  url: string;
  /** Cuts all streams that are open, as a restart would. */
  cutStreams(): void;
};

/** The fake shop over HTTP, with the page, under the page's real policy. */
export async function serveFakeShop(shop: FakeShop, adminKey: string): Promise<FakeShopServer> {
  const streams = new Set<ServerResponse>();
  const storefront = new ApolloServer({ schema: shop.storefront(), stopOnTerminationSignals: false });
  const schema = shop.admin();
  const admin = new ApolloServer({ schema, stopOnTerminationSignals: false });
  await Promise.all([storefront.start(), admin.start()]);
  const stream = createHandler({ schema, authenticate: () => null as never });
  const routes: Record<string, (req: IncomingMessage, res: ServerResponse) => unknown> = {
    '/graphql': async (req, res) => json(res, 200, await execute(storefront, await bodyOf(req))),
    '/feedback': async (req, res) =>
      json(res, 200, await execute(storefront, { query: SUBMIT, variables: { input: await bodyOf(req) } })),
    '/admin/graphql': async (req, res) => json(res, 200, await execute(admin, await bodyOf(req))),
    '/admin/graphql/stream': (req, res) => {
      streams.add(res.once('close', () => streams.delete(res)));
      return stream(req, res);
    },
  };
  const answer = async (req: IncomingMessage, res: ServerResponse): Promise<unknown> => {
    const path = decodeURIComponent(new URL(req.url ?? '/', 'http://shop').pathname);
    const route = routes[path];
    if (path.startsWith('/admin') && req.headers.authorization !== `Bearer ${adminKey}`) {
      return json(res, 401, {
        errors: [{ message: 'Send the admin key', extensions: { code: 'UNAUTHENTICATED', retry: false } }],
      });
    }
    if (route) return route(req, res);
    const picture = path.startsWith('/images/') ? shop.pictureOf(path.slice('/images/'.length)) : undefined;
    if (picture) return res.setHeader('content-type', 'image/webp').end(await readFile(picture));
    const file = path === '/client.js' ? CLIENT : join(WEB, normalize(path === '/' ? '/index.html' : path));
    res.setHeader('content-type', TYPES[extname(file)] ?? 'application/octet-stream');
    res.setHeader('content-security-policy', POLICY).end(await readFile(file));
  };
  const server = createServer((req, res) => {
    answer(req, res).catch((error: NodeJS.ErrnoException) => {
      if (res.headersSent) return res.destroy(); // a stream that was cut takes no more, and has no status to change
      return res.writeHead(error.code === 'ENOENT' ? 404 : 500).end(String(error));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cutStreams: () => streams.forEach((res) => void res.destroy()),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await Promise.all([storefront.stop(), admin.stop()]);
    },
  };
}

type GraphqlRequest = { query: string; variables: Record<string, unknown> };

async function bodyOf(req: IncomingMessage) {
  let body = '';
  for await (const chunk of req) body += chunk;
  return JSON.parse(body) as GraphqlRequest;
}

async function execute(server: ApolloServer, { query, variables }: GraphqlRequest): Promise<unknown> {
  const { body: answer } = await server.executeOperation({ query, variables });
  return answer.kind === 'single' ? answer.singleResult : null;
}

function json(res: ServerResponse, status: number, body: unknown): void {
  res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
