import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { json } from 'node:stream/consumers';
import { knowCatalogs } from '../../src/catalog/known-catalogs.ts';
import { DEFAULT_CATALOG } from '../../src/catalog-id.ts';
import { SimiliError } from '../../src/errors.ts';
import type { App } from '../app.ts';
import { CONTROL_FILE } from './control-client.ts';
import { type OperationName, operations } from './operations.ts';

/**
 * Lets commands work on the embedded database of this process, which no second one can open: HTTP on a socket that
 * only this user can reach. POST /<operation>?catalog=<id> with its input; the answer is a line of JSON for each thing that is told.
 * @returns closes it.
 */
export async function startControl(app: App): Promise<() => Promise<void>> {
  // Not in the data directory: a socket's path has room for about a hundred characters. mkdtemp makes it 0700.
  const folder = await mkdtemp(join(tmpdir(), 'simili-'));
  const socket = process.platform === 'win32' ? `\\\\.\\pipe\\${basename(folder)}` : join(folder, 'control');
  const file = join(app.config.SIMILI_DATA_DIR, CONTROL_FILE);
  const server = createServer((request, response) => void answer(app, request, response));
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(socket, resolve));
  await writeFile(file, JSON.stringify({ socket }), { mode: 0o600 });
  return async () => {
    await rm(file, { force: true });
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await rm(folder, { recursive: true, force: true });
  };
}

async function answer(app: App, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const tell = (line: object) => {
    // Whoever pressed Ctrl-C wants the command to end, here too.
    if (response.destroyed) throw new Error('the command is gone');
    response.write(`${JSON.stringify(line)}\n`);
  };
  try {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://control');
    const [name, catalog] = [pathname.slice(1), searchParams.get('catalog') ?? DEFAULT_CATALOG];
    if (request.method !== 'POST' || !isOperation(name)) throw new Error(`no operation ${name}`);
    // biome-ignore lint/suspicious/noExplicitAny: the table above knows which input belongs to which name
    const run = operations[name] as (app: App, input: any, tell: (progress: unknown) => void) => Promise<unknown>;
    const own = await inCatalog(app, catalog);
    tell({ output: await run(own, await json(request), (progress) => tell({ progress })) });
  } catch (error) {
    if (response.destroyed) return;
    tell({ error: error instanceof SimiliError ? { code: error.code, facts: error.facts } : { why: String(error) } });
  } finally {
    response.end();
  }
}

/** @throws SimiliError CATALOG_UNKNOWN. */
async function inCatalog(app: App, catalog: string): Promise<App> {
  const { repositories } = app;
  await knowCatalogs(repositories.catalogs).check(catalog);
  return { ...app, repositories: repositories.forCatalog(catalog) };
}

const isOperation = (name: string): name is OperationName => Object.hasOwn(operations, name);
