import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import express, { type ErrorRequestHandler, type Request, type RequestHandler } from 'express';
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
const HEADERS = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cache-Control': 'no-store',
};
/** An answer is a few bytes. */
const MOST_BYTES = 1000;
/** Headers are set already; a folder of pictures may lie in one whose name begins with a dot. */
const AS_IT_IS = { cacheControl: false, dotfiles: 'allow', etag: false, lastModified: false } as const;

/** The page of one rater and what it asks for. Pictures are named by number: no path comes from a request. */
export async function startLabelServer(options: LabelServerOptions): Promise<LabelServer> {
  const server = labelApp(options).listen(options.port, options.host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${options.host.includes(':') ? `[${options.host}]` : options.host}:${port}/`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function labelApp(options: LabelServerOptions) {
  const { questions, answers, fileOf } = options;
  const pictures = [...new Set(questions.flatMap(({ query, a, b }) => [query, a, b]))];
  const numberOf = new Map(pictures.map((path, i) => [path, i]));
  const state: RequestHandler = (_request, response) => void response.json(stateOf(options, numberOf));
  const app = express().disable('x-powered-by').disable('etag');
  app.use((_request, response, next) => next(void response.set(HEADERS)));
  for (const [path, file] of Object.entries(PAGE_FILES))
    app.get(path, (_request, response) => response.sendFile(file, AS_IT_IS));
  app.get('/state', state);
  app.get('/picture/:number', ({ params }, response, next) => {
    const path = pictures[Number(params.number)];
    return path === undefined ? next() : response.sendFile(fileOf(path), AS_IT_IS);
  });
  const ownJson = [onlyOwnPage, express.json({ limit: MOST_BYTES })];
  app.post(
    '/undo',
    ...ownJson,
    async (_request, _response, next) => {
      await answers.undo();
      next();
    },
    state,
  );
  app.post(
    '/answer',
    ...ownJson,
    async ({ body }, response, next) => {
      const question = questions[Number(body?.question)];
      if (!question || !isAnswer(body?.answer))
        return void response.status(400).json({ error: 'This is no answer to a question' });
      await answers.add(question, body.answer);
      next();
    },
    state,
  );
  app.use((_request, response) => void response.status(404).json({ error: 'There is no such page' }));
  return app.use(told);
}

/** A file that is gone and text that is no JSON have a status of their own; whatever else went wrong is told as it is. */
const told: ErrorRequestHandler = (error: Error & { status?: number }, _request, response, _next) =>
  void response.status(error.status ?? 500).json({ error: error.message });

/** State of the page: the next question and, so that it can load their pictures, the one after it. */
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
const onlyOwnPage: RequestHandler = (request, response, next) =>
  isOwnPage(request) ? next() : void response.status(403).json({ error: 'Only the page itself may answer' });

function isOwnPage({ headers }: Request): boolean {
  const { origin, host } = headers;
  return headers['content-type'] === 'application/json' && (origin === undefined || origin === `http://${host}`);
}
