import type { Tensor } from '../network/spec.ts';

/** Content of one safetensors file: named float32 tensors, named files inside it, and free text about them. */
export type TensorFile = {
  readonly tensors: Record<string, Tensor>;
  /** Tensors of dtype U8 with one axis. */
  readonly bytes: Record<string, Uint8Array>;
  readonly metadata: Record<string, string>;
};

/** Longest header that is read, in bytes: the limit of the reference implementation. */
const maxHeader = 100_000_000;

/**
 * Writes the safetensors format: 8 bytes little-endian length of the header, the header in JSON (padded with spaces to a
 * multiple of 8), then every tensor's float32 little-endian values without a gap, in the order given, then the bytes.
 * @throws Error when a tensor's data does not have the length of its shape, is called `__metadata__`, or as another one.
 */
export function encodeSafetensors(
  tensors: Record<string, Tensor>,
  metadata: Record<string, string>,
  bytes: Record<string, Uint8Array> = {},
): Uint8Array {
  const header: Record<string, unknown> = { __metadata__: metadata };
  let length = 0;
  const declare = (name: string, dtype: string, shape: readonly number[], size: number) => {
    if (name === '__metadata__') throw new Error('A tensor cannot be called __metadata__');
    if (Object.hasOwn(header, name)) throw new Error(`Two tensors are called ${name}`);
    header[name] = { dtype, shape, data_offsets: [length, length + size] };
    length += size;
  };
  for (const [name, { shape, data }] of Object.entries(tensors)) {
    if (data.length !== product(shape)) {
      throw new Error(`Tensor ${name}: ${data.length} values do not fill the shape [${shape.join(', ')}]`);
    }
    declare(name, 'F32', shape, 4 * data.length);
  }
  for (const [name, data] of Object.entries(bytes)) declare(name, 'U8', [data.length], data.length);
  const text = new TextEncoder().encode(JSON.stringify(header));
  const padded = Math.ceil(text.length / 8) * 8;
  const file = new Uint8Array(8 + padded + length);
  const view = new DataView(file.buffer);
  view.setBigUint64(0, BigInt(padded), true);
  file.fill(0x20, 8, 8 + padded);
  file.set(text, 8);
  let offset = 8 + padded;
  for (const { data } of Object.values(tensors)) {
    file.set(littleEndian(new Uint8Array(data.buffer, data.byteOffset, data.byteLength)), offset);
    offset += 4 * data.length;
  }
  for (const data of Object.values(bytes)) {
    file.set(data, offset);
    offset += data.length;
  }
  return file;
}

/**
 * Reads a safetensors file of F32 and U8 tensors; values are copied, so `file` need not be aligned. Tensors come in the
 * order of the header.
 * @throws Error with a sentence when the file is damaged: truncated, not JSON, another dtype, overlaps or gaps.
 */
export function decodeSafetensors(file: Uint8Array): TensorFile {
  const { header, body } = splitFile(file);
  const tensors: Record<string, Tensor> = {};
  const bytes: Record<string, Uint8Array> = {};
  const ranges: Range[] = [];
  let metadata: Record<string, string> = {};
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') {
      metadata = checkMetadata(entry);
      continue;
    }
    const { dtype, shape, range } = checkEntry(name, entry);
    if (range.end > body.byteLength) throw new Error(`Tensor ${name} ends after the end of the file`);
    ranges.push(range);
    if (dtype === 'U8') bytes[name] = readBytes(body, range);
    else tensors[name] = { shape, data: readFloats(body, range) };
  }
  checkContiguous(ranges, body.byteLength);
  return { tensors, bytes, metadata };
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

/** Bytes of one value. */
const sizes = { F32: 4, U8: 1 } as const;
type Dtype = keyof typeof sizes;
const isDtype = (dtype: unknown): dtype is Dtype => typeof dtype === 'string' && Object.hasOwn(sizes, dtype);

function checkEntry(name: string, entry: unknown): { dtype: Dtype; shape: readonly number[]; range: Range } {
  if (!isRecord(entry)) throw new Error(`Tensor ${name} is not described by an object`);
  const { dtype, shape, data_offsets: offsets } = entry;
  if (!isDtype(dtype)) throw new Error(`Tensor ${name} has the dtype ${String(dtype)}; only F32 and U8 are read`);
  if (!isSizes(shape)) throw new Error(`Tensor ${name} has no shape`);
  if (dtype === 'U8' && shape.length !== 1) throw new Error(`Tensor ${name} of dtype U8 has not one axis`);
  if (!isSizes(offsets) || offsets.length !== 2) throw new Error(`Tensor ${name} has no data_offsets`);
  const [begin, end] = offsets as [number, number];
  if (end - begin !== sizes[dtype] * product(shape)) {
    throw new Error(`Tensor ${name}: ${end - begin} bytes do not fill the shape [${shape.join(', ')}]`);
  }
  return { dtype, shape, range: { name, begin, end } };
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

const readFloats = (body: DataView, range: Range): Float32Array =>
  new Float32Array(littleEndian(readBytes(body, range)).buffer as ArrayBuffer);

const readBytes = ({ buffer, byteOffset }: DataView, { begin, end }: Range): Uint8Array =>
  new Uint8Array(buffer.slice(byteOffset + begin, byteOffset + end) as ArrayBuffer);

const isLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
/** Float32 values between this machine's order of bytes and the file's: hundreds of megabytes are copied, not walked. */
const littleEndian = (values: Uint8Array): Uint8Array =>
  isLittleEndian ? values : Uint8Array.from(values, (_, i) => values[i ^ 3]!);

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isSizes = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((side) => Number.isSafeInteger(side) && side >= 0);

const product = (shape: readonly number[]): number => shape.reduce((all, side) => all * side, 1);
