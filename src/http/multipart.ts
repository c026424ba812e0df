import { z } from 'zod';
import { checked } from '../checked.ts';
import { SimiliError } from '../errors.ts';

/** Files of a request. */
export const MOST_FILES = 100;
/** Longest `operations` and `map`, bytes: as a request without files. */
const MOST_TEXT = 2 * 2 ** 20;

type Operations = Record<string, unknown>;
const OneOperation = z.custom<Operations>(isObject, 'must be one object: no list of several requests is taken');
const Places = z.custom<Record<string, string[]>>(
  (map) => isObject(map) && Object.values(map).every(isTexts),
  'must be an object of lists of paths, { "0": ["variables.products.0.pictures.0"] }',
);

/**
 * Reads a request with files, as clients of the graphql-multipart-request-spec send it: parts `operations` and `map`, and a part a file.
 * @param body all of it
 * @param contentType its header, with the boundary
 * @param mostBytes longest file
 * @returns `operations`, in which each place that `map` names holds its file (`File`) instead of null
 * @throws SimiliError INVALID_ARGUMENT by the part that is wrong; IMAGE_TOO_LARGE
 */
export async function readMultipart(body: Uint8Array, contentType: string, mostBytes: number): Promise<Operations> {
  const form = await formOf(body, contentType);
  const operations = checked(OneOperation, await jsonIn(form, 'operations'), 'operations');
  const places = new Map(Object.entries(checked(Places, await jsonIn(form, 'map'), 'map')));
  for (const name of form.keys())
    if (name !== 'operations' && name !== 'map' && !places.has(name))
      throw wrong(name, 'is a part that map does not name');
  for (const [name, paths] of places) {
    const file = fileIn(form, name, mostBytes);
    for (const path of paths) put(operations, path, file, name);
  }
  return operations;
}

async function formOf(body: Uint8Array, contentType: string): Promise<FormData> {
  const notWhole = wrong('The body', 'is not whole multipart/form-data');
  const [, quoted, bare] = /;\s*boundary=(?:"([\x21\x23-\x7e]+)"|([\x21\x23-\x3a\x3c-\x7e]+))/i.exec(contentType) ?? [];
  const boundary = quoted ?? bare ?? '';
  if (boundary === '' || boundary.includes('\\')) throw notWhole;
  if (partsOf(body, boundary) > MOST_FILES + 2) throw wrong('The body', `may hold at most ${MOST_FILES} files`);
  // The very boundary that was counted, whatever else the header says.
  const headers = { 'content-type': `multipart/form-data; boundary="${boundary}"` };
  try {
    return await new Response(body as Uint8Array<ArrayBuffer>, { headers }).formData();
  } catch {
    throw notWhole;
  }
}

/** Parts of a body, counted up to one more than are taken: it could be made of nothing else. */
function partsOf(body: Uint8Array, boundary: string): number {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const mark = Buffer.from(`--${boundary}`, 'latin1');
  let count = 0;
  for (let at = bytes.indexOf(mark); at >= 0 && count <= MOST_FILES + 3; at = bytes.indexOf(mark, at + mark.length))
    count++;
  return count - 1; // the last one ends the body
}

async function jsonIn(form: FormData, name: string): Promise<unknown> {
  const part = one(form, name);
  // A file by its form, as some clients write JSON.
  const text = typeof part === 'string' ? part : await part.text();
  if (Buffer.byteLength(text) > MOST_TEXT) throw wrong(name, `may have at most ${MOST_TEXT} bytes`);
  try {
    return JSON.parse(text);
  } catch {
    throw wrong(name, 'must be JSON');
  }
}

function fileIn(form: FormData, name: string, mostBytes: number): File {
  const part = one(form, name);
  if (typeof part === 'string') throw wrong(name, 'is text where a file is expected');
  if (part.size > mostBytes)
    throw new SimiliError('IMAGE_TOO_LARGE', { source: `The file ${name}`, why: `more than ${mostBytes} bytes` });
  return part;
}

function one(form: FormData, name: string): string | File {
  const [part, ...more] = form.getAll(name);
  if (part === undefined) throw wrong(name, 'is missing');
  if (more.length > 0) throw wrong(name, 'is there more than once');
  return part;
}

/** In the place of a null; so no place takes two files, and what is no place takes none. */
function put(operations: Operations, path: string, file: File, name: string): void {
  const keys = path.split('.');
  const last = keys.pop()!;
  const holder = keys.reduce(inside, operations as unknown);
  if (keys[0] !== 'variables' || inside(holder, last) !== null)
    throw wrong(`map.${name}`, `names ${path.slice(0, 100)}, and operations has no null there that waits for a file`);
  (holder as Operations)[last] = file;
}

/** undefined: there is no such place. Own ones alone, so that no path leads into what all objects share. */
const inside = (holder: unknown, key: string): unknown =>
  typeof holder === 'object' && holder !== null && Object.hasOwn(holder, key) ? (holder as Operations)[key] : undefined;

function isObject(value: unknown): value is Operations {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const isTexts = (value: unknown): boolean => Array.isArray(value) && value.every((text) => typeof text === 'string');

const wrong = (argument: string, why: string): SimiliError =>
  new SimiliError('INVALID_ARGUMENT', { argument: argument.slice(0, 100), why });
