import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CatalogEntry, readCatalog } from '../../../../../src/catalog/import/index.ts';
import { collect } from '../../../../support/collect.ts';

let dir = '';
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'simili-import-'));
});
afterAll(() => rm(dir, { recursive: true }));

async function write(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(dir, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
  return path;
}
const read = (path: string): Promise<CatalogEntry[]> => collect(readCatalog(path, { allowOutside: ['/'] }));
const readText = async (name: string, content: string | Uint8Array) => read(await write(name, content));
const csv = (...lines: string[]) => readText('catalog.csv', `${lines.join('\n')}\n`);
const jsonl = (...values: unknown[]) =>
  readText('catalog.jsonl', values.map((value) => JSON.stringify(value)).join('\n'));

/** Row that says nothing but its id and its picture. */
const plain = (id: string, image = '/p.png') => ({
  id,
  title: id,
  images: [image],
  url: null,
  categories: [],
  tags: [],
  price: null,
  currency: null,
  available: true,
  groupId: null,
  version: 0,
});
const full = {
  id: 'boot-1',
  title: 'Red boot, high',
  images: ['https://shop.test/a.jpg', '/pictures/b.jpg'],
  url: 'https://shop.test/boot-1',
  categories: ['Shoes', 'Boots'],
  tags: ['red', 'leather'],
  price: '119.90',
  currency: 'EUR',
  available: false,
  groupId: 'boots',
  version: 7,
};

describe('a CSV file', () => {
  const header = 'id,title,image,url,categories,tags,price,currency,available,version';

  test('gives every column of a row', async () => {
    expect(
      await csv(
        `${header},item_group_id`,
        'boot-1,"Red boot, high",https://shop.test/a.jpg | /pictures/b.jpg,https://shop.test/boot-1,Shoes > Boots,red|leather,119.90,EUR,no,7,boots',
      ),
    ).toEqual([{ line: 2, row: full }]);
  });

  test('needs only id and image, in any order and case', async () => {
    expect(await csv('IMAGE, Id', '/p.png,a')).toEqual([{ line: 2, row: plain('a') }]);
  });

  test('takes paths from its own folder', async () => {
    expect(await csv('id,image', 'a,pics/a.jpg|../b.jpg')).toEqual([
      { line: 2, row: { ...plain('a'), images: [join(dir, 'pics/a.jpg'), join(dirname(dir), 'b.jpg')] } },
    ]);
  });

  test.each([';', '\t'])(
    'may come from a spreadsheet that separates with %j, marks the encoding and ends lines its way',
    async (d) => {
      const content = `\ufeff${['id', 'title', 'image', ''].join(d)}\r\n${['a', '"Größe 1, blau"', '/p.png', ''].join(d)}\r\n\r\n`;
      expect(await readText('sheet.csv', content)).toEqual([
        { line: 2, row: { ...plain('a'), title: 'Größe 1, blau' } },
      ]);
    },
  );

  test('takes line breaks and doubled quotes within quotes, and counts lines on', async () => {
    expect(await csv('id,title,image', 'a,"19"" rack\n\nblack",/p.png', 'b,19" rack,/p.png')).toEqual([
      { line: 2, row: { ...plain('a'), title: '19" rack\n\nblack' } },
      { line: 5, row: { ...plain('b'), title: '19" rack' } },
    ]);
  });

  test('takes a quoted part of a cell, and text that begins with one, as they are written', async () => {
    expect(await csv('id,title,image', 'a,"Best" shirt,/p.png', 'b,"x, y"z,/p.png', 'c,  "x, y"  ,/p.png')).toEqual([
      { line: 2, row: { ...plain('a'), title: '"Best" shirt' } },
      { line: 3, row: { ...plain('b'), title: '"x, y"z' } },
      { line: 4, row: { ...plain('c'), title: 'x, y' } },
    ]);
  });

  test('loses one line to a quote that is never closed', async () => {
    const rows = Array.from({ length: 3 }, (_, i) => `p${i},t,/p.png`);
    expect(await csv('id,title,image', 'x,"broken,/p.png', ...rows)).toEqual([
      { line: 2, problem: 'a quote is opened and never closed' },
      ...rows.map((_, i) => ({ line: 3 + i, row: { ...plain(`p${i}`), title: 't' } })),
    ]);
  });

  test('takes no row together that is longer than a line may be', async () => {
    const half = 'x'.repeat(600_000);
    const entries = await csv('id,title,image', `a,"${half}`, half, '",/p.png', 'b,B,/p.png');
    expect(entries).toMatchObject([
      { line: 2, problem: 'a quote is opened and never closed' },
      { line: 3, problem: 'it has 1 cells, the header has 3' },
      { line: 4, problem: 'a quote is opened and never closed' },
      { line: 5, row: { id: 'b' } },
    ]);
  });

  test('loses no good row between two stray quotes', async () => {
    expect(await csv('id,title,image', 'x,"', 'p,t,/p.png', '",/p.png')).toEqual([
      { line: 2, problem: 'a quote is opened and never closed' },
      { line: 3, row: { ...plain('p'), title: 't' } },
      { line: 4, problem: 'a quote is opened and never closed' },
    ]);
  });

  test('names unknown columns once and the known ones, and reads the rows', async () => {
    expect(await csv('id,image,colour,Size', 'a,/p.png,red,4', 'b,/p.png,red,5')).toEqual([
      { line: 1, note: `"colour", "size" are not read; known are ${header.replaceAll(',', ', ')}, item_group_id` },
      { line: 2, row: plain('a') },
      { line: 3, row: plain('b') },
    ]);
  });

  test('says what is wrong with a row, all of it, and goes on', async () => {
    const problems: [row: string, problem: string][] = [
      [',t,/p.png,,,,,,,', 'id is empty'],
      ['a,t,,,,,,,,', 'image is empty'],
      ['a,t,ftp://x/a.png,,,,,,,', 'image ftp://x/a.png is neither a path nor an http(s) URL'],
      ['a,t,/p.png,shop.test,,,,,,', 'url is not an http(s) URL'],
      ['a,t,/p.png,,,,"19,90",EUR,,', 'price must look like 19.90, or as --locale says'],
      ['a,t,/p.png,,,,-1,EUR,,', 'price must look like 19.90, or as --locale says'],
      ['a,t,/p.png,,,,1,,,', 'currency is needed with a price'],
      ['a,t,/p.png,,,,19.90 EUR,USD,,', 'price is in EUR, and currency says USD'],
      ['a,t,/p.png,,,,€ 19.90,GBP,,', 'price is in EUR, and currency says GBP'],
      ['a,t,/p.png,,,,1,euro,maybe,', 'currency must be three capitals, like EUR; available must be true or false'],
      ['a,t,/p.png,,,,,,,1.5', 'version must be a whole number below 2^53'],
      ['a,t,/p.png,,,,,,,-1', 'version must be a whole number below 2^53'],
      [`${'a'.repeat(201)},t,/p.png,,,,,,,`, 'id has more than 200 characters'],
      [`a,t,/p.png,,a>${'b'.repeat(201)},,,,,`, 'categories 2 has more than 200 characters'],
      ['a\0,t,/p.png,,,,,,,', 'id holds a character that cannot be stored'],
      ['a,t,/p.png', 'it has 3 cells, the header has 10'],
    ];
    expect(await csv(header, ...problems.map(([row]) => row), 'good,t,/p.png,,,,,,,')).toEqual([
      ...problems.map(([, problem], i) => ({ line: i + 2, problem })),
      { line: problems.length + 2, row: { ...plain('good'), title: 't' } },
    ]);
  });

  test.each([
    ['CR alone', 'id,title,image\ra,x,/p.png\rb,x,/p.png\r', [2, 3]],
    ['a stray CR between rows', 'id,title,image\na,x,/p.png\rb,x,/p.png\nc,x,/p.png\n', [2, 3, 4]],
    ['CRLF and CR mixed', 'id,title,image\r\na,x,/p.png\r\rb,x,/p.png\r\n', [2, 4]],
  ])('loses no row to line ends of %s', async (_kind, content, lines) => {
    const entries = await readText('ends.csv', content);
    expect(entries).toEqual(lines.map((line, i) => ({ line, row: { ...plain('abc'.charAt(i)), title: 'x' } })));
  });

  test('counts CRLF as one line end where a read of the file ends between its two bytes', async () => {
    const cut = `id,image\r\n${'\r\n'.repeat(2 ** 15 - 6)} \r\nb,/p.png\r\nc,/p.png`;
    expect(Buffer.from(cut)[2 ** 16 - 1]).toBe(13);
    expect((await readText('cut.csv', cut)).map(({ line }) => line)).toEqual([2 ** 15 - 3, 2 ** 15 - 2]);
  });

  test('counts characters as people do: 600 emoji are 600', async () => {
    const title = '\u{1f45f}'.repeat(1000);
    expect(await csv('id,title,image', `a,${title},/p.png`, `b,${title}x,/p.png`)).toEqual([
      { line: 2, row: { ...plain('a'), title } },
      { line: 3, problem: 'title has more than 1000 characters' },
    ]);
  });

  test('takes a URL without its scheme as one of https, and a | inside a URL as a part of it', async () => {
    const cells: [cell: string, images: string[]][] = [
      ['//cdn.shop.test/a.png', ['https://cdn.shop.test/a.png']],
      ['https://cdn.shop.test/a|b.png', ['https://cdn.shop.test/a|b.png']],
      ['https://cdn.shop.test/i?crop=1|2|3', ['https://cdn.shop.test/i?crop=1|2|3']],
      [
        'https://cdn.shop.test/i?id=1|https://cdn.shop.test/i?id=2',
        ['https://cdn.shop.test/i?id=1', 'https://cdn.shop.test/i?id=2'],
      ],
      ['https://cdn.shop.test/i?id=1|//cdn.shop.test/2', ['https://cdn.shop.test/i?id=1', 'https://cdn.shop.test/2']],
      ['https://cdn.shop.test/a.png|b.png', ['https://cdn.shop.test/a.png', join(dir, 'b.png')]],
      ['https://cdn.shop.test/i?id=1 | b.png', ['https://cdn.shop.test/i?id=1', join(dir, 'b.png')]],
      ['a.png|b.png', [join(dir, 'a.png'), join(dir, 'b.png')]],
    ];
    expect(await csv('id,image', ...cells.map(([cell], i) => `p${i},${cell}`))).toEqual(
      cells.map(([, images], i) => ({ line: i + 2, row: { ...plain(`p${i}`), images } })),
    );
  });

  test('keeps one spelling of an id, and sees that another one is the same', async () => {
    expect(await csv('id,image', 'cafe\u0301,/p.png', 'caf\u00e9,/p.png')).toEqual([
      { line: 2, row: { ...plain('caf\u00e9') } },
      { line: 3, problem: 'id caf\u00e9 was already on line 2' },
    ]);
  });

  test('reports an id that was there before', async () => {
    expect(await csv('id,image', 'a,/p.png', 'b,/p.png', 'a,/q.png')).toEqual([
      { line: 2, row: plain('a') },
      { line: 3, row: plain('b') },
      { line: 4, problem: 'id a was already on line 2' },
    ]);
  });

  test('reports a line in another encoding, or beyond any length, and goes on', async () => {
    const lines = [
      Buffer.from('id,image\n'),
      Buffer.from('gr\u00f6n,/p.png\n', 'latin1'),
      Buffer.alloc(2 ** 20 + 1, 'x'),
      Buffer.from('\na,/p.png'),
    ];
    expect(await readText('mixed.csv', Buffer.concat(lines))).toEqual([
      { line: 2, problem: 'the line is not UTF-8 text' },
      { line: 3, problem: 'the line is longer than 1048576 bytes' },
      { line: 4, row: plain('a') },
    ]);
  });

  test.each([
    ['', /it is empty/],
    ['\n\n', /it is empty/],
    ['id,image\n', /no row was found in it/],
    ['id,image,colour\n\n', /no row was found in it/],
    ['name,picture\na,/p.png', /its first line must name the columns id and image \(and may name title, url, /],
    ['id,image,id\na,/p.png,a', /its header names id twice/],
    [Buffer.from('id,image\n', 'utf16le'), /its first line must name/],
    [Buffer.from([0xff, 0xfe, 0x69, 0x00, 0x0a]), /in its header the line is not UTF-8 text/],
  ])('is unreadable as a whole with the header %j', async (content, why) => {
    await expect(readText('bad.csv', content)).rejects.toMatchObject({
      code: 'IMPORT_UNREADABLE',
      message: expect.stringMatching(why),
    });
  });

  test('is read as it is asked for: the first row of a long file comes at once', async () => {
    const path = await write(
      'long.csv',
      `id,image\n${Array.from({ length: 200_000 }, (_, i) => `p${i},/p.png`).join('\n')}`,
    );
    const start = process.cpuUsage();
    for await (const entry of readCatalog(path, { allowOutside: ['/'] })) {
      expect(entry).toEqual({ line: 2, row: plain('p0') });
      break;
    }
    expect(process.cpuUsage(start).user).toBeLessThan(500_000); // microseconds of work, however busy the machine
  });
});

describe('a JSONL file', () => {
  test('takes lists as arrays or as text, numbers and booleans as they are', async () => {
    const { images, groupId, ...others } = full;
    const rest = { ...others, item_group_id: groupId };
    const asText = {
      ...rest,
      image: images.join('|'),
      categories: 'Shoes>Boots',
      tags: 'red|leather',
      available: 'false',
      version: '7',
    };
    expect(await jsonl({ ...rest, image: images }, { ...asText, id: 5, item_group_id: 12, price: 119.9 })).toEqual([
      { line: 1, row: full },
      { line: 2, row: { ...full, id: '5', groupId: '12', price: '119.9' } },
    ]);
  });

  test('takes null for what is not there', async () => {
    const nothing = {
      title: null,
      url: null,
      categories: null,
      tags: null,
      price: null,
      currency: null,
      available: null,
      version: null,
    };
    expect(await jsonl({ id: 'a', image: '/p.png', ...nothing })).toEqual([{ line: 1, row: plain('a') }]);
  });

  test('keeps every digit of a number: large ids stay apart, a version in milliseconds is a version', async () => {
    const lines = [
      '{"id": 7890123456789012345, "image": "/p.png"}',
      '{"id": 7890123456789012346, "image": "/p.png", "version": 1764156000000}',
      '{"id": 7.890123456789012e18, "image": "/p.png"}',
      '{"id": "v", "image": "/p.png", "version": 9007199254740993}',
      '{"id": 1e3, "image": "/p.png", "id": 12}',
    ];
    expect(await readText('digits.jsonl', lines.join('\n'))).toEqual([
      { line: 1, row: plain('7890123456789012345') },
      { line: 2, row: { ...plain('7890123456789012346'), version: 1764156000000 } },
      { line: 3, problem: 'id is a rounded number: write it as text' },
      { line: 4, problem: 'version must be a whole number below 2^53' },
      { line: 5, row: plain('12') },
    ]);
  });

  test('keeps separators that JSON does not count as line ends', async () => {
    expect(await jsonl({ id: 'a', image: '/p.png', title: 'one\u2028two' })).toEqual([
      { line: 1, row: { ...plain('a'), title: 'one\u2028two' } },
    ]);
  });

  test('says what is wrong with a line, and goes on', async () => {
    const good = JSON.stringify({ id: 'a', image: '/p.png' });
    const lines = [
      '{"id":',
      '[1]',
      'null',
      '{}',
      '{"id":"x","image":7}',
      '{"id":"x","image":["/p.png",7]}',
      '{"id":"\\ud800","image":"/p.png"}',
      '',
      good,
    ];
    expect(await readText('bad.jsonl', lines.join('\n'))).toEqual([
      { line: 1, problem: 'it is not JSON' },
      { line: 2, problem: 'it is not a JSON object' },
      { line: 3, problem: 'it is not a JSON object' },
      { line: 4, problem: 'id is missing; image is empty' },
      { line: 5, problem: 'image must be a list of texts' },
      { line: 6, problem: 'image 2 must be text' },
      { line: 7, problem: 'id holds a character that cannot be stored' },
      { line: 9, row: plain('a') },
    ]);
  });

  test('names unknown keys once, even those that look like JavaScript', async () => {
    const lines = [
      '{"id":"a","image":"/p.png","__proto__":{"id":"z"},"colour":1}',
      '{"id":"b","image":"/p.png","colour":1}',
    ];
    expect(await readText('more.ndjson', lines.join('\n'))).toEqual([
      { line: 1, note: expect.stringContaining('"__proto__", "colour" are not read; known are id, title') },
      { line: 1, row: plain('a') },
      { line: 2, row: plain('b') },
    ]);
  });
});

describe('a folder', () => {
  test('gives a product for every picture below it, named and grouped by its path', async () => {
    const names = ['b/c/red_boot-2.JPG', 'b/c/notes.txt', 'a.webp', 'a.png', '.hidden.png', '.git/x.png', 'z.gif'];
    await Promise.all(names.map((name) => write(`shop/${name}`, 'x')));
    const root = join(dir, 'shop');
    await symlink(root, join(root, 'loop'));
    expect(await read(root)).toEqual([
      { line: 'a.png', row: { ...plain('a', join(root, 'a.png')), title: 'A' } },
      { line: 'a.webp', problem: 'id a was already on a.png' },
      {
        line: 'b/c/red_boot-2.JPG',
        row: {
          ...plain('b/c/red_boot-2', join(root, 'b/c/red_boot-2.JPG')),
          title: 'Red boot 2',
          categories: ['b', 'c'],
        },
      },
      { line: 'z.gif', row: { ...plain('z', join(root, 'z.gif')), title: 'Z' } },
    ]);
  });

  test('knows a picture by the composed spelling of its name, and finds it by the one on disk', async () => {
    const path = await write('spelling/cafe\u0301/cre\u0300me.png', 'x');
    const [id, title, category] = ['caf\u00e9/cr\u00e8me', 'Cr\u00e8me', 'caf\u00e9'];
    expect(await read(join(dir, 'spelling'))).toEqual([
      { line: expect.any(String), row: { ...plain(id, path), title, categories: [category] } },
    ]);
  });

  test('passes over what systems put beside the pictures, and tells of links', async () => {
    const own = ['@eaDir/a.png/THUMB.png', '#recycle/b.png', '__MACOSX/c.png', '._a.png', 'Thumbs.db', '.DS_Store'];
    await Promise.all([...own, 'a.png'].map((name) => write(`nas/${name}`, 'x')));
    await symlink('/etc/hostname', join(dir, 'nas', 'link.png'));
    expect(await read(join(dir, 'nas'))).toEqual([
      { line: 'a.png', row: { ...plain('a', join(dir, 'nas/a.png')), title: 'A' } },
      { line: 'link.png', problem: 'it is a link, and links are not followed' },
    ]);
  });

  test('may hold any character in its names', async () => {
    const name = 'a|b > c, "d".png';
    await write(`odd/x|y/${name}`, 'x');
    expect(await read(join(dir, 'odd'))).toMatchObject([
      { row: { id: 'x|y/a|b > c, "d"', images: [join(dir, 'odd/x|y', name)], categories: ['x|y'] } },
    ]);
  });
});

test('a catalog names pictures below its own folder, or below one that is allowed', async () => {
  const shop = join(dir, 'inside');
  await write('inside/pics/a.png', 'x');
  await write('outside/b.png', 'x');
  await symlink(join(dir, 'outside'), join(shop, 'linked'));
  await symlink(join(shop, 'pics'), join(shop, 'alias'));
  const cells = ['pics/a.png', '../outside/b.png', '/etc/hostname', 'linked/b.png', 'alias/a.png', 'gone/c.png'];
  const path = await write('inside/catalog.csv', ['id,image', ...cells.map((cell, i) => `p${i},${cell}`)].join('\n'));
  const refused = (line: number, image: string) => ({
    line,
    problem: expect.stringContaining(`image ${image} is outside`),
  });
  expect(await collect(readCatalog(path))).toEqual([
    { line: 2, row: plain('p0', join(shop, 'pics/a.png')) },
    refused(3, join(dir, 'outside/b.png')),
    refused(4, '/etc/hostname'),
    refused(5, join(shop, 'linked/b.png')),
    { line: 6, row: plain('p4', join(shop, 'pics/a.png')) },
    { line: 7, row: plain('p5', join(shop, 'gone/c.png')) },
  ]);
  const allowed = await collect(readCatalog(path, { allowOutside: [join(dir, 'outside')] }));
  expect(allowed.flatMap((entry) => ('row' in entry ? [entry.row.images] : []))).toEqual([
    [join(shop, 'pics/a.png')],
    [join(dir, 'outside/b.png')],
    [join(dir, 'outside/b.png')],
    [join(shop, 'pics/a.png')],
    [join(shop, 'gone/c.png')],
  ]);
});

test.each([
  ['absent', /there is no such file or folder/],
  ['catalog.xlsx', /it is neither a folder of pictures nor a .csv, .tsv, .txt, .json, .jsonl or .xml file/],
  ['empty', /it holds no picture/],
])('what is no catalog says so: %s', async (name, why) => {
  await write('catalog.xlsx', 'x');
  await write('empty/readme.txt', 'x');
  await expect(read(join(dir, name))).rejects.toMatchObject({
    code: 'IMPORT_UNREADABLE',
    retry: false,
    message: expect.stringMatching(why),
  });
});
