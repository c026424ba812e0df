import { describe, expect, test } from 'vitest';
import { MOST_FILES, readMultipart } from '../../../../src/http/multipart.ts';

const BOUNDARY = 'boundary-of-this-test-0123456789';
/** A part as bytes on the wire: [name, value], or [name, value, file name]. */
type Part = readonly [string, string, string?];
const written = (parts: readonly Part[], boundary = BOUNDARY): Buffer =>
  Buffer.from(
    parts
      .map(([name, value, file]) => {
        const filename = file === undefined ? '' : `; filename="${file}"\r\nContent-Type: image/png`;
        return `--${boundary}\r\nContent-Disposition: form-data; name="${name}"${filename}\r\n\r\n${value}\r\n`;
      })
      .concat(`--${boundary}--\r\n`)
      .join(''),
  );
const read = (parts: readonly Part[], mostBytes = 10) =>
  readMultipart(written(parts), `multipart/form-data; boundary=${BOUNDARY}`, mostBytes);
const OPERATIONS = { query: 'mutation', variables: { products: [{ id: 'a', pictures: [null, null] }] } };
const PLACE = 'variables.products.0.pictures.0';
/** The request of one file `0` for the first place, with some parts changed; null: without. */
const request = (changes: Record<string, string | null> = {}, more: readonly Part[] = []): Part[] => [
  ...Object.entries({ operations: JSON.stringify(OPERATIONS), map: JSON.stringify({ 0: [PLACE] }), ...changes })
    .filter((part): part is [string, string] => part[1] !== null)
    .map(([name, value]) => [name, value] as const),
  ['0', 'one', 'a.png'],
  ...more,
];

test('files stand in the places that the map names, and one may stand in several', async () => {
  const map = JSON.stringify({ 0: [PLACE], second: ['variables.products.0.pictures.1', 'variables.cover'] });
  const operations = JSON.stringify({ ...OPERATIONS, variables: { ...OPERATIONS.variables, cover: null } });
  const found = (await read(request({ operations, map }, [['second', 'two', 'b.png']]))) as typeof OPERATIONS;
  const { products, cover } = found.variables as unknown as { products: [{ pictures: File[] }]; cover: File };
  expect(found).toMatchObject({ query: 'mutation', variables: { products: [{ id: 'a' }] } });
  expect(await Promise.all(products[0].pictures.map((file) => file.text()))).toEqual(['one', 'two']);
  expect(cover).toBe(products[0].pictures[1]);
});

test('parts are read in any order, JSON also in the form of a file, names beyond ASCII, and files of no bytes', async () => {
  const parts: Part[] = [
    ['0', '', 'größe 鞋.png'],
    ['map', JSON.stringify({ 0: [PLACE] }), 'map.json'],
    ['operations', JSON.stringify({ query: '鞋', variables: OPERATIONS.variables }), 'blob'],
  ];
  const found = (await read(parts)) as { query: string; variables: { products: [{ pictures: File[] }] } };
  expect(found.query).toBe('鞋');
  expect(found.variables.products[0].pictures[0]).toMatchObject({ size: 0, name: 'größe 鞋.png' });
});

test.each([
  'xYzZY',
  '----WebKitFormBoundaryyrV7KO0BoCBuDbTL',
  'apollo-ios.boundary.0A',
  '--------------------------8a',
])('a boundary of a client is taken: %s', async (boundary) => {
  for (const header of [`boundary=${boundary}`, `charset=utf-8; Boundary="${boundary}"`])
    expect(await readMultipart(written(request(), boundary), `multipart/form-data; ${header}`, 10)).toMatchObject({
      query: 'mutation',
    });
});

describe('a request that is not right is refused by the part that is wrong', () => {
  const places = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [i, []]));
  test.each<[string, Part[], string, RegExp]>([
    ['no operations', request({ operations: null }), 'operations', /is missing/],
    ['no map', request({ map: null }), 'map', /is missing/],
    ['operations twice', request({}, [['operations', '{}']]), 'operations', /more than once/],
    ['operations that are no JSON', request({ operations: '{' }), 'operations', /must be JSON/],
    ['a map that is no JSON', request({ map: 'null,' }), 'map', /must be JSON/],
    ['several requests', request({ operations: `[${JSON.stringify(OPERATIONS)}]` }), 'operations', /one object/],
    ['operations that are nothing', request({ operations: 'null' }), 'operations', /one object/],
    ['a map that is a list', request({ map: '[]' }), 'map', /lists of paths/],
    ['a map of texts', request({ map: `{"0":"${PLACE}"}` }), 'map', /lists of paths/],
    ['a map of numbers', request({ map: '{"0":[1]}' }), 'map', /lists of paths/],
    ['a file that is missing', request({ map: `{"0":["${PLACE}"],"1":[]}` }), '1', /is missing/],
    [
      'a file that is text',
      request({ map: '{"1":[]}' }, [['1', 'x']]).filter(([name]) => name !== '0'),
      '1',
      /is text/,
    ],
    ['a file twice', request({}, [['0', 'again', 'b.png']]), '0', /more than once/],
    ['a file that the map does not name', request({}, [['1', 'x', 'b.png']]), '1', /map does not name/],
    ['a place twice', request({ map: `{"0":["${PLACE}","${PLACE}"]}` }), 'map.0', /no null there/],
    ['a place that is taken', request({ map: '{"0":["variables.products.0.id"]}' }), 'map.0', /no null there/],
    ['a place that is not there', request({ map: '{"0":["variables.products.1.pictures.0"]}' }), 'map.0', /no null/],
    ['a place beyond a list', request({ map: '{"0":["variables.products.0.pictures.2"]}' }), 'map.0', /no null/],
    ['a place beside the variables', request({ map: '{"0":["query"]}' }), 'map.0', /no null there/],
    ['all variables', request({ map: '{"0":["variables"]}' }), 'map.0', /no null there/],
    ['no place', request({ map: '{"0":[""]}' }), 'map.0', /no null there/],
    ['what all objects share', request({ map: '{"0":["variables.__proto__.file"]}' }), 'map.0', /no null there/],
    [
      'more than a hundred files',
      request(
        { map: JSON.stringify(places(101)) },
        Array.from({ length: 100 }, (_, i) => [`${i + 1}`, '', 'a']),
      ),
      'The body',
      /at most 100 files/,
    ],
  ])('%s', async (_what, parts, argument, why) => {
    await expect(read(parts)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      facts: { argument, why: expect.stringMatching(why) },
    });
  });

  test('a hundred files are taken, and one of a byte too many is IMAGE_TOO_LARGE', async () => {
    const files = Array.from({ length: MOST_FILES - 1 }, (_, i) => [`${i + 1}`, '', 'a'] as const);
    const map = JSON.stringify({ 0: [PLACE], ...Object.fromEntries(files.map(([name]) => [name, []])) });
    expect(await read(request({ map }, files))).toMatchObject({ query: 'mutation' });
    expect(await read(request(), 3)).toMatchObject({ query: 'mutation' });
    await expect(read(request(), 2)).rejects.toMatchObject({ code: 'IMAGE_TOO_LARGE' });
  });

  test('operations longer than a request without files may be', async () => {
    const operations = JSON.stringify({ ...OPERATIONS, more: 'x'.repeat(2 * 2 ** 20) });
    await expect(read(request({ operations }))).rejects.toMatchObject({ facts: { argument: 'operations' } });
  });

  test.each([
    ['a body that ends in the middle', written(request()).subarray(0, -60), BOUNDARY],
    ['no body', Buffer.alloc(0), BOUNDARY],
    ['another boundary', written(request()), 'boundary-of-another-test-012345'],
    ['no boundary', written(request()), ''],
  ])('%s', async (_what, body, boundary) => {
    await expect(readMultipart(body, `multipart/form-data; boundary=${boundary}`, 10)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      facts: { argument: 'The body' },
    });
  });
});
