import type { Tensor } from './network/spec.ts';

/** What one safetensors file holds: named float32 tensors and free text about them. */
export type TensorFile = { readonly tensors: Record<string, Tensor>; readonly metadata: Record<string, string> };

/** Longest header that is read, in bytes: the limit of the reference implementation. */
const maxHeader = 100_000_000;

/**
 * Writes the safetensors format: 8 bytes little-endian length of the header, the header in JSON (padded with spaces to a
 * multiple of 8), then every tensor's float32 little-endian values without a gap, in the order given.
 * @throws Error when a tensor's data does not have the length of its shape, or is called `__metadata__`.
 */
export function encodeSafetensors(tensors: Record<string, Tensor>, metadata: Record<string, string>): Uint8Array {
  const header: Record<string, unknown> = { __metadata__: metadata };
  let length = 0;
  for (const [name, { shape, data }] of Object.entries(tensors)) {
    if (name === '__metadata__') throw new Error('A tensor cannot be called __metadata__');
    if (data.length !== product(shape)) {
      throw new Error(`Tensor ${name}: ${data.length} values do not fill the shape [${shape.join(', ')}]`);
    }
    header[name] = { dtype: 'F32', shape, data_offsets: [length, length + 4 * data.length] };
    length += 4 * data.length;
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const padded = Math.ceil(text.length / 8) * 8;
  const bytes = new Uint8Array(8 + padded + length);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(padded), true);
  bytes.fill(0x20, 8, 8 + padded);
  bytes.set(text, 8);
  let offset = 8 + padded;
  for (const { data } of Object.values(tensors)) {
    for (let i = 0; i < data.length; i++) view.setFloat32(offset + 4 * i, data[i]!, true);
    offset += 4 * data.length;
  }
  return bytes;
}

/**
 * Reads a safetensors file of F32 tensors; values are copied, so `bytes` need not be aligned. Tensors come in the order
 * of the header.
 * @throws Error with a sentence when the file is damaged: truncated, not JSON, another dtype, overlaps or gaps.
 */
export function decodeSafetensors(bytes: Uint8Array): TensorFile {
  const { header, body } = splitFile(bytes);
  const tensors: Record<string, Tensor> = {};
  const ranges: Range[] = [];
  let metadata: Record<string, string> = {};
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') {
      metadata = checkMetadata(entry);
      continue;
    }
    const { shape, range } = checkEntry(name, entry);
    if (range.end > body.byteLength) throw new Error(`Tensor ${name} ends after the end of the file`);
    ranges.push(range);
    tensors[name] = { shape, data: readFloats(body, range) };
  }
  checkContiguous(ranges, body.byteLength);
  return { tensors, metadata };
}

/** Bytes [begin, end) of one tensor in the body. */
type Range = { readonly name: string; readonly begin: number; readonly end: number };

function splitFile(bytes: Uint8Array): { header: Record<string, unknown>; body: DataView } {
  if (bytes.length < 8) throw new Error('The file is shorter than the length of its header');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getBigUint64(0, true);
  if (length > BigInt(maxHeader) || Number(length) > bytes.length - 8) {
    throw new Error(`The header claims ${length} bytes; the file has ${bytes.length - 8} after the length`);
  }
  const end = 8 + Number(length);
  return {
    header: parseHeader(bytes.subarray(8, end)),
    body: new DataView(bytes.buffer, bytes.byteOffset + end, bytes.byteLength - end),
  };
}

function parseHeader(bytes: Uint8Array): Record<string, unknown> {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new Error('The header is not JSON', { cause });
  }
  if (!isRecord(header)) throw new Error('The header is not a JSON object');
  return header;
}

function checkMetadata(entry: unknown): Record<string, string> {
  if (!isRecord(entry) || !Object.values(entry).every((value) => typeof value === 'string')) {
    throw new Error('The metadata is not an object of texts');
  }
  return entry as Record<string, string>;
}

function checkEntry(name: string, entry: unknown): { shape: readonly number[]; range: Range } {
  if (!isRecord(entry)) throw new Error(`Tensor ${name} is not described by an object`);
  const { dtype, shape, data_offsets: offsets } = entry;
  if (dtype !== 'F32') throw new Error(`Tensor ${name} has the dtype ${String(dtype)}; only F32 is read`);
  if (!isSizes(shape)) throw new Error(`Tensor ${name} has no shape`);
  if (!isSizes(offsets) || offsets.length !== 2) throw new Error(`Tensor ${name} has no data_offsets`);
  const [begin, end] = offsets as [number, number];
  if (end - begin !== 4 * product(shape)) {
    throw new Error(`Tensor ${name}: ${end - begin} bytes do not fill the shape [${shape.join(', ')}]`);
  }
  return { shape, range: { name, begin, end } };
}

/** The format allows neither holes nor overlaps: either would let a file hide or repeat data. */
function checkContiguous(ranges: Range[], length: number): void {
  let expected = 0;
  for (const { name, begin, end } of ranges.sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin < expected) throw new Error(`Tensor ${name} overlaps the tensor before it`);
    if (begin > expected) throw new Error(`There is a gap before tensor ${name}`);
    expected = end;
  }
  if (expected !== length) throw new Error(`${length - expected} bytes after the last tensor belong to none`);
}

function readFloats(body: DataView, { begin, end }: Range): Float32Array {
  const data = new Float32Array((end - begin) / 4);
  for (let i = 0; i < data.length; i++) data[i] = body.getFloat32(begin + 4 * i, true);
  return data;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isSizes = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((side) => Number.isSafeInteger(side) && side >= 0);

const product = (shape: readonly number[]): number => shape.reduce((all, side) => all * side, 1);
