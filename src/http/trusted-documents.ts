import { readFileSync } from 'node:fs';
import type { Request, RequestHandler } from 'express';
import { z } from 'zod';
import { SimiliError } from '../errors.ts';
import { refuseFor } from './refuse.ts';

/** Documents by their ids, as GraphQL Code Generator writes them, or the manifest of Apollo's tools. */
const File = z.union([
  z.object({ operations: z.array(z.object({ id: z.string(), body: z.string() })) }),
  z.record(z.string(), z.string()),
]);

export type TrustedDocuments = ReadonlyMap<string, string>;

/** @throws SimiliError CONFIGURATION_INVALID */
export function readTrustedDocuments(path: string): TrustedDocuments {
  try {
    const file = File.parse(JSON.parse(readFileSync(path, 'utf8')));
    const entries = Array.isArray(file.operations)
      ? file.operations.map(({ id, body }) => [id, body] as const)
      : Object.entries(file as Record<string, string>);
    return new Map(entries);
  } catch (error) {
    throw new SimiliError('CONFIGURATION_INVALID', {
      why: `SIMILI_TRUSTED_DOCUMENTS is no file of documents: ${(error as Error).message.split('\n')[0]}`,
    });
  }
}

/** A request's document, in the body of a POST or in the URL of a GET. */
type Asked = { query?: unknown; documentId?: unknown; extensions?: unknown };

/**
 * Only these documents are executed: named by `documentId` (GraphQL over HTTP) or `extensions.persistedQuery.sha256Hash` (Apollo's
 * clients), or sent as they stand in the file. Others are DOCUMENT_UNKNOWN.
 */
export function onlyTrusted(documents: TrustedDocuments): RequestHandler {
  const texts = new Set(documents.values());
  return (req, res, next) => {
    const asked: Asked = req.method === 'GET' ? req.query : req.body;
    const id = idOf(asked);
    const text = id === null ? asked.query : documents.get(id);
    if (typeof text === 'string' && texts.has(text)) {
      put(req, text);
      return next();
    }
    refuseFor(res, new SimiliError('DOCUMENT_UNKNOWN'));
  };
}

function idOf({ documentId, extensions }: Asked): string | null {
  if (typeof documentId === 'string') return documentId;
  const hash = (parsed(extensions) as { persistedQuery?: { sha256Hash?: unknown } } | null)?.persistedQuery?.sha256Hash;
  return typeof hash === 'string' ? hash : null;
}

/** In a URL extensions are JSON. */
function parsed(extensions: unknown): unknown {
  if (typeof extensions !== 'string') return extensions;
  try {
    return JSON.parse(extensions);
  } catch {
    return null;
  }
}

/** Handlers that follow see the document itself, under no id. */
function put(req: Request, query: string): void {
  if (req.method !== 'GET') {
    const { documentId: _id, extensions: _extensions, ...rest } = req.body as Asked;
    req.body = { ...rest, query };
    return;
  }
  const [path = ''] = req.url.split('?');
  const search = new URLSearchParams(req.url.slice(path.length));
  search.delete('documentId');
  search.delete('extensions');
  search.set('query', query);
  req.url = `${path}?${search}`;
}
