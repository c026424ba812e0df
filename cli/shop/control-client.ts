import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DEFAULT_CATALOG } from '../../src/catalog-id.ts';
import { type ErrorCode, SimiliError } from '../../src/errors.ts';
import type { Input, OperationName, Output, Progress } from './operations.ts';

/** In the data directory: where the process that holds it takes commands. */
export const CONTROL_FILE = 'control.json';

type Told = { progress?: unknown; output?: unknown; error?: { code?: ErrorCode; facts?: unknown; why?: string } };

/** Where the process that holds the data directory takes commands; null: nowhere, or not here, as one in another container. */
export async function findControl(dataDir: string): Promise<string | null> {
  try {
    const { socket } = JSON.parse(await readFile(join(dataDir, CONTROL_FILE), 'utf8')) as { socket: string };
    return process.platform === 'win32' || existsSync(socket) ? socket : null;
  } catch {
    return null;
  }
}

/** Runs an operation in the process behind the socket. @throws SimiliError as the operation does. */
export async function runThere<N extends OperationName>(
  socket: string,
  name: N,
  input: Input<N>,
  tell: (progress: Progress<N>) => void,
  catalog = DEFAULT_CATALOG,
): Promise<Output<N>> {
  for await (const line of createInterface(await post(socket, `${name}?catalog=${catalog}`, input))) {
    const { progress, output, error } = JSON.parse(line) as Told;
    if (progress !== undefined) tell(progress as Progress<N>);
    else if (error) throw rebuilt(error);
    else return output as Output<N>;
  }
  throw new SimiliError('SERVER_UNREACHABLE', { url: socket, why: 'the server ended before the command did' });
}

function post(socketPath: string, operation: string, input: unknown): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error) =>
      reject(new SimiliError('SERVER_UNREACHABLE', { url: socketPath, why: error.message }));
    request({ socketPath, path: `/${operation}`, method: 'POST' }, resolve)
      .on('error', fail)
      .end(JSON.stringify(input));
  });
}

function rebuilt({ code, facts, why }: NonNullable<Told['error']>): Error {
  // biome-ignore lint/suspicious/noExplicitAny: the facts are those that the other process made of this code
  return code ? new SimiliError(code, facts as any) : new Error(why);
}
