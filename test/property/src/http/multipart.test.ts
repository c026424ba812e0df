import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SimiliError } from '../../../../src/errors.ts';
import { readMultipart } from '../../../../src/http/multipart.ts';

const MOST_BYTES = 64;
/** Values of a request's variables, in which a file is its bytes. */
const { node } = fc.letrec((tie) => ({
  node: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.uint8Array({ maxLength: MOST_BYTES }),
    fc.constantFrom(null, true, 'text', 7),
    fc.array(tie('node'), { maxLength: 2 }),
    fc.dictionary(fc.stringMatching(/^[a-z]\w{0,4}$/), tie('node'), { maxKeys: 2, noNullPrototype: true }),
  ),
}));
const variables = fc.record({ input: node, products: node });

/** Each file as `change` has it, by its path. */
function changed(value: unknown, path: string, change: (file: never, path: string) => unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Uint8Array || value instanceof Blob) return change(value as never, path);
  if (Array.isArray(value)) return value.map((one, i) => changed(one, `${path}.${i}`, change));
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, changed(one, `${path}.${key}`, change)]));
}

/** The parts that a client of the graphql-multipart-request-spec makes, independent of the reader. */
function partsOf(given: unknown): { operations: string; map: Record<string, string[]>; files: Uint8Array[] } {
  const map: Record<string, string[]> = {};
  const files: Uint8Array[] = [];
  const empty = changed(given, 'variables', (file: Uint8Array, path) => {
    map[files.length] = [path];
    files.push(file);
    return null;
  });
  return { operations: JSON.stringify({ query: 'mutation', variables: empty }), map, files };
}
async function wire({ operations, map, files }: ReturnType<typeof partsOf>): Promise<[Buffer, string]> {
  const form = new FormData();
  form.set('operations', operations);
  form.set('map', JSON.stringify(map));
  for (const [i, file] of files.entries()) form.set(`${i}`, new Blob([file as Uint8Array<ArrayBuffer>]), 'a.png');
  const response = new Response(form);
  return [Buffer.from(await response.arrayBuffer()), response.headers.get('content-type')!];
}

test('whatever the variables are, each file comes back where it was, to the byte', async () => {
  await fc.assert(
    fc.asyncProperty(variables, async (given) => {
      const found = await readMultipart(...(await wire(partsOf(given))), MOST_BYTES);
      const reads: Promise<unknown>[] = [];
      const contents = new Map<string, Uint8Array>();
      changed(found.variables, '', (file: Blob, path) =>
        reads.push(file.arrayBuffer().then((content) => contents.set(path, new Uint8Array(content)))),
      );
      await Promise.all(reads);
      expect(changed(found.variables, '', (_file, path) => contents.get(path))).toEqual(given);
    }),
    { numRuns: 200 },
  );
});

/** Changes of a right request by somebody who means harm. */
type Harm = {
  map?: Record<string, string[]>;
  paths?: string[];
  operations?: string;
  cut?: number;
  flip?: readonly [at: number, byte: number];
  boundary?: string;
};
const keys = fc.constantFrom('variables', 'input', '__proto__', 'constructor', 'length', '0', '');
const damage: fc.Arbitrary<Harm> = fc.oneof(
  fc.record({
    map: fc.dictionary(fc.string({ maxLength: 3 }), fc.array(fc.string({ maxLength: 9 }), { maxLength: 3 })),
  }),
  fc.record({ paths: fc.array(keys, { maxLength: 5 }) }),
  fc.record({ operations: fc.oneof(fc.json(), fc.string()) }),
  fc.record({ cut: fc.nat(2000) }),
  fc.record({ flip: fc.tuple(fc.nat(2000), fc.nat(255)) }),
  fc.record({ boundary: fc.string({ maxLength: 60 }) }),
);
const SHARED = [Object.prototype, Array.prototype, Function.prototype];

test('whatever is damaged of a request is read all the same or refused by a code, and changes nothing that objects share', async () => {
  const before = SHARED.map((one) => Object.getOwnPropertyNames(one));
  const outcomes = new Set<string>();
  await fc.assert(
    fc.asyncProperty(variables, damage, async (given, { map, paths, operations, cut, flip, boundary }) => {
      const parts = partsOf(given);
      if (paths) parts.map[0] = [paths.join('.')];
      const [whole, type] = await wire({ ...parts, ...(map && { map }), ...(operations && { operations }) });
      const body = whole.subarray(0, cut);
      if (flip && flip[0] < body.length) body[flip[0]] = flip[1];
      const header = boundary === undefined ? type : `multipart/form-data; boundary=${boundary}`;
      const outcome = await readMultipart(body, header, MOST_BYTES).then(
        () => 'read',
        (error: unknown) => (error instanceof SimiliError ? error.code : Promise.reject(error)),
      );
      expect(['read', 'INVALID_ARGUMENT', 'IMAGE_TOO_LARGE']).toContain(outcome);
      outcomes.add(outcome);
    }),
    { numRuns: 400 },
  );
  expect(SHARED.map((one) => Object.getOwnPropertyNames(one))).toEqual(before);
  // A draw that only made one of them would show nothing.
  expect([...outcomes]).toEqual(expect.arrayContaining(['read', 'INVALID_ARGUMENT']));
});
