import protobuf from 'protobufjs/light.js';

/**
 * Protocol buffers without a schema: what a foreign ONNX file holds beyond our knowledge of the format passes through
 * an edit byte by byte.
 */
export type Field = {
  readonly id: number;
  /** Content of a text, of bytes or of a message within; null for numbers. */
  readonly body: Uint8Array | null;
  /** Value of a varint, as far as a number can hold it; else 0. */
  readonly number: number;
  /** The whole field as it stands in the file. */
  readonly raw: Uint8Array;
};

const wire = { varint: 0, delimited: 2 } as const;

/** @throws Error when the bytes are no protocol buffer. */
export function fieldsOf(message: Uint8Array): Field[] {
  const reader = protobuf.Reader.create(message);
  const fields: Field[] = [];
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const tag = reader.uint32();
    const type = tag & 7;
    let body: Uint8Array | null = null;
    let number = 0;
    if (type === wire.varint) number = Number(reader.int64());
    else if (type === wire.delimited) body = reader.bytes();
    else reader.skipType(type);
    fields.push({ id: tag >>> 3, body, number, raw: message.subarray(start, reader.pos) });
  }
  return fields;
}

/** Messages, texts or bytes of a repeated field. */
export const bodiesOf = (fields: readonly Field[], id: number): Uint8Array[] =>
  fields.flatMap((field) => (field.id === id && field.body ? [field.body] : []));
/** The last one counts, as the format says; nothing is empty. */
export const bodyOf = (fields: readonly Field[], id: number): Uint8Array =>
  bodiesOf(fields, id).at(-1) ?? new Uint8Array(0);
export const textOf = (fields: readonly Field[], id: number): string => decode(bodyOf(fields, id));
export const numberOf = (fields: readonly Field[], id: number): number | undefined =>
  fields.findLast((field) => field.id === id && !field.body)?.number;

export const delimited = (id: number, body: Uint8Array | string): Uint8Array => {
  const writer = protobuf.Writer.create().uint32((id << 3) | wire.delimited);
  return (typeof body === 'string' ? writer.string(body) : writer.bytes(body)).finish();
};
export const varint = (id: number, value: number): Uint8Array =>
  protobuf.Writer.create()
    .uint32((id << 3) | wire.varint)
    .int64(value)
    .finish();

/** Edits of the messages and texts of a field, by its number. */
export type Edits = Readonly<Record<number, (body: Uint8Array) => Uint8Array>>;

export function edited(message: Uint8Array, edits: Edits): Uint8Array {
  return joined(
    fieldsOf(message).map(({ id, body, raw }) => {
      const edit = edits[id];
      return edit && body ? delimited(id, edit(body)) : raw;
    }),
  );
}

export const editedText =
  (edit: (text: string) => string) =>
  (body: Uint8Array): Uint8Array =>
    new TextEncoder().encode(edit(decode(body)));

export const joined = (parts: readonly Uint8Array[]): Uint8Array => Buffer.concat(parts);

const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
