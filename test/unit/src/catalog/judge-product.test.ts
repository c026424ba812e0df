import { describe, expect, test } from 'vitest';
import { judgeImported, judgeProduct } from '../../../../src/catalog/judge-product.ts';
import { writeProducts } from '../../../../src/catalog/products.ts';
import type { ProductWrite } from '../../../../src/db/write-products.ts';

const draft = { id: 'a', title: 'A', imageUrls: ['https://shop.test/a.png'] };
const SHOE = '\u{1f45f}'; // two UTF-16 units, one character
const refused = (argument: string, why: RegExp) => ({
  field: argument.split('.'),
  error: expect.objectContaining({
    code: 'INVALID_ARGUMENT',
    facts: { argument, why: expect.stringMatching(why) },
  }),
});
const judged = (changes: object) => judgeProduct({ ...draft, ...changes });

describe('lengths', () => {
  test('are counted in characters, of which an emoji is one', () => {
    const longest = { id: SHOE.repeat(200), title: SHOE.repeat(1000), tags: [SHOE.repeat(200)] };
    expect(judged(longest)).toEqual({ value: { ...draft, ...longest } });
    expect(judged({ title: SHOE.repeat(1001) })).toEqual(refused('title', /1 to 1000 characters, not 1001/));
  });
});

test.each([
  [{ id: '' }, 'id', /1 to 200 characters, not 0/],
  [{ url: 'ftp://shop.test/a' }, 'url', /http/],
  [{ imageUrls: ['/etc/passwd'] }, 'imageUrls.0', /must be an http\(s\) URL$/],
  [{ imageUrls: [`https://shop.test/${'a'.repeat(2048)}`] }, 'imageUrls.0', /^may have at most 2,048 characters$/],
  [{ imageUrls: Array(11).fill('https://shop.test/a.png') }, 'imageUrls', /at most 10 entries, not 11/],
  [{ categories: Array(11).fill('a') }, 'categories', /at most 10 entries, not 11/],
  [{ tags: ['a', ''] }, 'tags.1', /1 to 200 characters, not 0/],
  [{ tags: Array(101).fill('a') }, 'tags', /at most 100 entries, not 101/],
  [{ price: '-1', currencyCode: 'EUR' }, 'price', /0 or more/],
  [{ price: '12345678901', currencyCode: 'EUR' }, 'price', /10 digits before the point and 4 after/],
  [{ price: '1.00001', currencyCode: 'EUR' }, 'price', /10 digits before the point and 4 after/],
  [{ price: '1' }, 'currencyCode', /is needed with a price/],
  [{ currencyCode: 'eur' }, 'currencyCode', /three capitals/],
  [{ groupId: '' }, 'groupId', /1 to 200 characters, not 0/],
  [{ version: -1 }, 'version', /whole number from 0/],
  [{ revisions: [] }, 'revisions', /not a field of this input/],
])('%o is refused by its path', (changes, argument, why) => {
  expect(judged(changes)).toEqual(refused(argument, why));
});

describe('pictures as files', () => {
  const file = new Blob(['one']);
  /** graphql-yoga's is of no class of Node's. */
  const foreign = { size: 1, name: 'a.png', arrayBuffer: async () => new ArrayBuffer(1) };
  const { imageUrls: _, ...bare } = draft;

  test('are taken beside addresses and without any, in whichever class the server has them', () => {
    expect(judged({ pictures: [file] })).toEqual({ value: { ...draft, pictures: [file] } });
    expect(judgeProduct({ ...bare, pictures: [file, foreign] })).toEqual({
      value: { ...draft, imageUrls: [], pictures: [file, foreign] },
    });
    expect(judgeProduct({ ...bare, pictures: file })).toMatchObject({ value: { pictures: [file] } });
    expect(judgeProduct({ ...bare, pictures: [] })).toEqual({ value: { ...bare, pictures: [], imageUrls: [] } });
  });

  test.each([
    [{ pictures: [null] }, 'pictures.0', /must be a file of a multipart request/],
    [{ pictures: [file, 'https://shop.test/a.png'] }, 'pictures.1', /must be a file/],
    [{ pictures: [{ size: 1 }] }, 'pictures.0', /must be a file/],
    [{ pictures: Array(11).fill(file) }, 'pictures', /at most 10 entries, not 11/],
    [{ pictures: Array(10).fill(file) }, 'pictures', /and imageUrls may hold at most 10 entries together/],
    [{ imageUrls: [`upload:${'0'.repeat(64)}`] }, 'imageUrls.0', /must be an http/],
    [{ pictures: null, imageUrls: null }, 'imageUrls', /is missing/],
  ])('%o is refused by its path', (changes, argument, why) => {
    expect(judged(changes)).toEqual(refused(argument, why));
  });

  test('an import has none', () => {
    expect(judgeImported({ ...draft, pictures: [file] })).toEqual(refused('pictures', /not a field/));
    expect(judgeImported({ ...draft, imageUrls: [`upload:${'0'.repeat(64)}`] })).toEqual(
      refused('imageUrls.0', /absolute path/),
    );
  });
});

test('an import may name files of this machine, and which content they have', () => {
  const files = { ...draft, imageUrls: ['/srv/a.png'], revisions: ['1'] };
  expect(judgeImported(files)).toEqual({ value: files });
  expect(judgeImported({ ...files, imageUrls: ['a.png'] })).toEqual(refused('imageUrls.0', /absolute path/));
});

/** A catalog that keeps nothing, but in mind. */
function fakeCatalog(refused: readonly string[] = []) {
  const commits: ProductWrite[][] = [];
  const writeAll = async (products: readonly ProductWrite[]) => {
    if (products.some(({ id }) => refused.includes(id))) throw Object.assign(new Error('54000'), { code: '54000' });
    commits.push([...products]);
    return products.map(() => 'created' as const);
  };
  const deps = { catalog: 'default', products: { writeAll }, queue: { add: async () => {} } };
  const ids = () => commits.map((products) => products.map(({ id }) => id));
  return { ids, write: (entries: readonly unknown[]) => writeProducts(entries, deps) };
}

test('an id is kept in its composed spelling, and one that breaks a rule costs no other', async () => {
  const catalog = fakeCatalog();
  const result = await catalog.write([
    { ...draft, id: 'cafe\u0301' },
    { ...draft, id: '' },
  ]);
  expect(catalog.ids()).toEqual([['caf\u00e9']]);
  expect(result).toMatchObject({ created: 1, rejections: [{ index: 1, error: { code: 'INVALID_ARGUMENT' } }] });
});

test('a hundred products are a commit, and a product that comes again is in a later one than before', async () => {
  const many = fakeCatalog();
  await many.write(Array.from({ length: 250 }, (_, i) => ({ ...draft, id: `p${i}` })));
  expect(many.ids().map(({ length }) => length)).toEqual([100, 100, 50]);
  const twice = fakeCatalog();
  await twice.write(['a', 'b', 'a', 'a', 'c'].map((id) => ({ ...draft, id })));
  expect(twice.ids()).toEqual([['a', 'b'], ['a'], ['a', 'c']]);
});

test('what the database refuses is refused alone, with the reason; a fault of the database ends the call', async () => {
  const entries = Array.from({ length: 7 }, (_, i) => ({ ...draft, id: `p${i}` }));
  const catalog = fakeCatalog(['p2', 'p5']);
  const { created, rejections } = await catalog.write([{ ...draft, id: '' }, ...entries]);
  expect(created).toBe(5);
  expect(catalog.ids().flat()).toEqual(['p0', 'p1', 'p3', 'p4', 'p6']);
  expect(rejections.map(({ index }) => index)).toEqual([0, 3, 6]);
  expect(rejections[1]!.error.message).toContain('is refused by the database (SQLSTATE 54000)');
  const writeAll = async () => {
    throw Object.assign(new Error('gone'), { code: '57P01' });
  };
  const deps = { catalog: 'default', products: { writeAll }, queue: { add: async () => {} } };
  await expect(writeProducts(entries, deps)).rejects.toThrow('gone');
});
