import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname } from 'node:path';
import { packageFile } from 'simili/internal/package-root';
import { type AnswerBook, isAnswer, keyOf } from './answers.ts';
import type { Question } from './questions.ts';

export type LabelServerOptions = {
  readonly questions: readonly Question[];
  readonly answers: AnswerBook;
  /** Where a picture is, by its path in the questions. */
  readonly fileOf: (path: string) => string;
  readonly rater: string;
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
};

export type LabelServer = { readonly url: string; close(): Promise<void> };

/** The page's files, in this package; the icon is that of Simili's own page. */
const PAGE_FILES: Record<string, string> = {
  '/': packageFile('web/label/index.html', import.meta.url),
  '/label.js': packageFile('web/label/label.js', import.meta.url),
  '/label.css': packageFile('web/label/label.css', import.meta.url),
  '/favicon.svg': packageFile('web/favicon.svg'),
};
const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.png': 'image/png',
  '.webp': 'image/webp',
  '.avif': 'image/avif',
  '.gif': 'image/gif',
  '.svg': 'image/svg+xml',
};
const HEADERS = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cache-Control': 'no-store',
};
/** An answer is a few bytes. */
const MOST_BYTES = 1000;

/** The page of one rater and what it asks for. Pictures are named by number: no path comes from a request. */
export async function startLabelServer(options: LabelServerOptions): Promise<LabelServer> {
  const pictures = [...new Set(options.questions.flatMap(({ query, a, b }) => [query, a, b]))];
  const numberOf = new Map(pictures.map((path, i) => [path, i]));
  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) =>
      send(response, 500, { error: error instanceof Error ? error.message : String(error) }),
    );
  });

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const picture = /^\/picture\/(\d{1,7})$/.exec(pathname)?.[1];
    if (request.method === 'GET' && PAGE_FILES[pathname]) {
      return sendFile(response, PAGE_FILES[pathname]);
    }
    if (request.method === 'GET' && pathname === '/state') return send(response, 200, stateOf(options, numberOf));
    if (request.method === 'GET' && picture !== undefined && pictures[Number(picture)] !== undefined) {
      return sendFile(response, options.fileOf(pictures[Number(picture)]!));
    }
    if (request.method === 'POST' && (pathname === '/answer' || pathname === '/undo')) {
      return change(request, response, pathname);
    }
    send(response, 404, { error: 'There is no such page' });
  };

  const change = async (request: IncomingMessage, response: ServerResponse, pathname: string): Promise<void> => {
    if (!isOwnPage(request)) return send(response, 403, { error: 'Only the page itself may answer' });
    const body = await readJson(request);
    if (pathname === '/undo') await options.answers.undo();
    else {
      const question = options.questions[Number(body?.question)];
      if (!question || !isAnswer(body?.answer))
        return send(response, 400, { error: 'This is no answer to a question' });
      await options.answers.add(question, body.answer);
    }
    send(response, 200, stateOf(options, numberOf));
  };

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${options.host.includes(':') ? `[${options.host}]` : options.host}:${port}/`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** What the page shows: the next question and, so that it can load their pictures, the one after it. */
function stateOf({ questions, answers, rater }: LabelServerOptions, numberOf: ReadonlyMap<string, number>) {
  const mine = answers.mine();
  const open = questions.flatMap((question, number) => (mine.has(keyOf(question)) ? [] : [{ question, number }]));
  const shown = ({ question: { query, a, b }, number }: (typeof open)[number]) => ({
    number,
    query: numberOf.get(query),
    a: numberOf.get(a),
    b: numberOf.get(b),
  });
  return {
    rater,
    total: questions.length,
    done: questions.length - open.length,
    next: open.slice(0, 2).map(shown),
    canUndo: mine.size > 0,
    triplets: answers.triplets().length,
    agreement: answers.agreement(),
  };
}

/** Another site's page may send a form here, but not with this type, and says where it comes from. */
function isOwnPage({ headers }: IncomingMessage): boolean {
  const { origin, host } = headers;
  return headers['content-type'] === 'application/json' && (origin === undefined || origin === `http://${host}`);
}

async function readJson(request: IncomingMessage): Promise<Record<string, unknown> | null> {
  let text = '';
  for await (const chunk of request) {
    text += chunk;
    if (text.length > MOST_BYTES) return null;
  }
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return null;
  }
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { ...HEADERS, 'Content-Type': 'application/json' }).end(JSON.stringify(body));
}

async function sendFile(response: ServerResponse, path: string): Promise<void> {
  const type = TYPES[extname(path).toLowerCase()] ?? 'application/octet-stream';
  const bytes = await readFile(path).catch(() => null);
  if (!bytes) return send(response, 404, { error: 'The file is gone' });
  response.writeHead(200, { ...HEADERS, 'Content-Type': type }).end(bytes);
}
