import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { formats } from '../../../../../src/catalog/import/formats.ts';
import { type ReadOptions, readCatalog } from '../../../../../src/catalog/import/index.ts';
import { collect } from '../../../../support/collect.ts';

let dir = '';
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'simili-formats-'));
});
afterAll(() => rm(dir, { recursive: true }));

async function read(name: string, content: string, options: ReadOptions = {}) {
  const path = join(dir, name);
  await writeFile(path, content);
  return collect(readCatalog(path, { allowOutside: ['/'], ...options }));
}
const facts = (entries: Awaited<ReturnType<typeof read>>) =>
  entries.map((entry) => ('row' in entry ? [entry.line, entry.row.id] : [entry.line, Object.values(entry).at(-1)]));

test('a JSON array of one line: brackets and quotes in texts are texts', async () => {
  const rows = [
    { id: 'a', image: '/p.png', title: '} ], [ { "' },
    { id: 'b', image: ['/p.png'], title: '\\"}' },
  ];
  expect(facts(await read('one.json', JSON.stringify(rows)))).toEqual([
    [1, 'a'],
    [1, 'b'],
  ]);
});

test.each([
  [
    'cut off',
    '[\n{"id":"a","image":"/p.png"},\n{"id":"b"',
    [
      [2, 'a'],
      [3, 'it is not JSON'],
      [3, 'the file ends within its array'],
    ],
  ],
  [
    'text behind it',
    '[{"id":"a","image":"/p.png"}]\nhello',
    [
      [1, 'a'],
      [2, 'it is not JSON'],
    ],
  ],
  [
    'a comma too few',
    '[\n{"id":"a","image":"/p.png"}\n{"id":"b","image":"/p.png"}\n]',
    [
      [2, 'a'],
      [3, 'b'],
    ],
  ],
  ['a comma too many', '[\n{"id":"a","image":"/p.png"},\n]', [[2, 'a']]],
  [
    'brackets too many',
    '[\n{"id":"x"}]},\n{"id":"b","image":"/p.png"}\n]',
    [
      [2, 'image is empty'],
      [2, 'it is not JSON'],
      [3, 'b'],
    ],
  ],
  [
    'no objects',
    '[1, "x", {"id":"a","image":"/p.png"}]',
    [
      [1, 'it is not a JSON object'],
      [1, 'it is not a JSON object'],
      [1, 'a'],
    ],
  ],
])('a JSON array with %s loses no good element', async (_fault, content, expected) => {
  expect(facts(await read('broken.json', content))).toEqual(expected);
});

test('an element that is too long is told, and the next one read', async () => {
  const long = `{"id":"x","title":"${'x'.repeat(2 ** 20)}"}`;
  expect(facts(await read('long.json', `[\n${long},\n{"id":"a","image":"/p.png"}\n]`))).toEqual([
    [2, 'the element is longer than 1048576 bytes'],
    [3, 'a'],
  ]);
});

test('JSON and XML may have the columns of a known export, and leave out what has no value', async () => {
  const rows = [
    { id: 'a', image_link: 'https://x.test/a.jpg', price: '5 EUR', availability: 'out of stock' },
    { id: 'b', image_link: 'https://x.test/b.jpg' },
    { id: 'c', title: 'No picture' },
  ];
  expect(await read('keys.jsonl', rows.map((row) => JSON.stringify(row)).join('\n'))).toMatchObject([
    { note: expect.stringContaining('Google Merchant') },
    { row: { id: 'a', price: '5', currency: 'EUR', available: false } },
    { row: { id: 'b', price: null, available: true } },
    { line: 3, problem: 'image is empty' },
  ]);
});

test('entities of a document are not expanded, nothing outside of it is read, and no text grows without end', async () => {
  const bomb = '<!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;"><!ENTITY f SYSTEM "file:///etc/hostname">]>';
  const item = (id: string, title: string) =>
    `<item><id>${id}</id><title>${title}</title><image_link>https://x.test/a.jpg</image_link></item>`;
  const entries = await read(
    'dtd.xml',
    `${bomb}<rss>${item('a', '&b;&f;')}\n${item('b', 'x'.repeat(2 ** 20))}\n${item('c', 'C')}</rss>`,
  );
  expect(entries).toMatchObject([
    { note: expect.stringContaining('Google Merchant') },
    { row: { id: 'a', title: '&b;&f;' } },
    { line: 2, problem: 'it is longer than 1048576 characters' },
    { row: { id: 'c', title: 'C' } },
    { note: '2 signs (& or <) that XML wants as entities are taken as they are written' },
  ]);
});

test.each([
  [
    '<rss><item><id>a</id><image_link>/p.png</image_link></item>',
    [
      [1, 'a'],
      [1, 'it is not well-formed XML: Unclosed root tag'],
    ],
  ],
  [
    '<rss><itm><id>x</id></item>\n<item><id>a</id><image_link>/p.png</image_link></item></rss>',
    [
      [1, 'it is not well-formed XML: Unexpected close tag'],
      [2, 'a'],
      [2, 'it is not well-formed XML: Unexpected close tag'],
    ],
  ],
  [
    '<rss><item><title>x</item>\n<item><id>a</id><image_link>/p.png</image_link></item></rss>',
    [
      [1, 'it is not well-formed XML: Unexpected close tag'],
      [2, 'a'],
    ],
  ],
  [
    '<rss><item><title>x\n<item><id>a</id><image_link>/p.png</image_link></item></rss>',
    [
      [1, 'its end is missing: item begins within it'],
      [2, 'a'],
    ],
  ],
])('a feed tells what may be a product that is lost: %j', async (content, expected) => {
  const entries = await read('broken.xml', content);
  expect(facts(entries.filter((entry) => !('note' in entry)))).toEqual(expected);
});

test('a product of more elements than a product has is told, and the next one read', async () => {
  const good = '<item><id>a</id><image_link>/p.png</image_link></item>';
  const entries = await read('many.xml', `<rss><item>${'<a/>'.repeat(600_000)}</item>\n${good}</rss>`);
  expect(entries).toMatchObject([
    { line: 1, problem: 'it is longer than 1048576 characters' },
    { note: expect.stringContaining('Google Merchant') },
    { line: 2, row: { id: 'a' } },
  ]);
});

test.each([
  [`<rss>${'<a>'.repeat(100_001)}`, 'more than 100000 elements that are not closed'],
  [`<rss>${'<a>'.repeat(1_100)}${'</b>'.repeat(1_100)}`, 'more than 10 faults an element'],
  [`<rss><item ${Array.from({ length: 250_000 }, (_, i) => `a${i}=""`).join(' ')}/></rss>`, 'attributes of more than'],
])('a feed made to grow without end is refused', async (content, why) => {
  await expect(read('endless.xml', content)).rejects.toMatchObject({
    code: 'IMPORT_UNREADABLE',
    message: expect.stringContaining(`it is no feed: it has ${why}`),
  });
});

test('a feed that is no XML, has no product or names an encoding that there is not is unreadable or told', async () => {
  await expect(read('none.xml', '<rss><channel></channel></rss>')).rejects.toThrow('no row was found in it');
  await expect(read('strange.xml', '<?xml version="1.0" encoding="klingon"?><rss/>')).rejects.toThrow(
    'its encoding klingon is not known',
  );
});

test('columns of any name are mapped, several to a list, and go before what a known export says', async () => {
  const map = 'image=Photo|Photo 2, title = Label';
  expect(
    await read('own.csv', 'id,Label,Photo,Photo 2,Image\nx,One,https://a.test/1.jpg,https://a.test/2.jpg,no', { map }),
  ).toMatchObject([
    { note: expect.stringContaining('"image" is not read') },
    { row: { id: 'x', title: 'One', images: ['https://a.test/1.jpg', 'https://a.test/2.jpg'] } },
  ]);
  expect(
    await read('feed.csv', 'id,image_link,title,name\nx,https://a.test/1.jpg,One,Two', { map: 'title=name' }),
  ).toMatchObject([{}, { row: { title: 'Two' } }]);
});

test('a | is a part of a tag where commas separate, and separates in a column that was mapped', async () => {
  const shopify = await read(
    'tags.csv',
    'Handle,Title,Image Src,Tags\na,A,https://a.test/1.jpg,"colour:red|blue, size:m"',
  );
  expect(shopify.at(-1)).toMatchObject({ row: { tags: ['colour:red|blue', 'size:m'] } });
  const own = await read('words.csv', 'id,image,Words\na,https://a.test/1.jpg,"red|blue, green"', {
    map: 'tags=Words',
  });
  expect(own.at(-1)).toMatchObject({ row: { tags: ['red', 'blue, green'] } });
});

test.each([
  ['picture=a', 'INVALID_ARGUMENT', 'map knows no "picture": it names one of id, title, image, url'],
  ['image=', 'INVALID_ARGUMENT', 'map must name a column behind image='],
  ['title=Nmae', 'IMPORT_UNREADABLE', 'it has no column nmae, which --map names'],
])('a mapping %j is refused', async (map, code, message) => {
  await expect(read('map.csv', 'id,image\na,/p.png', { map })).rejects.toMatchObject({
    code,
    message: expect.stringContaining(message),
  });
});

test('every known format is known by columns that it reads, or that no other one has', () => {
  for (const { name, marks, fields } of formats) {
    const read = Object.values(fields).flatMap(({ columns }) => columns);
    expect(
      marks.flat().filter((mark) => !read.includes(mark)),
      name,
    ).toEqual(name === 'Akeneo' ? ['enabled'] : []);
    expect(Object.keys(fields), name).toEqual(expect.arrayContaining(['id', 'image', 'title']));
  }
});
