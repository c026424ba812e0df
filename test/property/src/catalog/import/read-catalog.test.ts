import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { type CatalogEntry, type ImportRow, readCatalog } from '../../../../../src/catalog/import/index.ts';
import { collect } from '../../../../support/collect.ts';

const dir = mkdtempSync(join(tmpdir(), 'simili-import-'));
afterAll(() => rmSync(dir, { recursive: true }));

async function read(name: string, content: string | Uint8Array): Promise<CatalogEntry[]> {
  const path = join(dir, name);
  writeFileSync(path, content);
  return collect(readCatalog(path, { allowOutside: ['/'] }));
}
const rowsOf = (entries: CatalogEntry[]) => entries.flatMap((entry) => ('row' in entry ? [entry.row] : []));

/** Text as it comes back: no white space around it, nothing that Postgres refuses, no U+FFFD (a feed with one is damaged text), none of these separators. */
const text = (separator?: string) =>
  fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
    .map((value) => value.replace(/\0|\p{Cs}|[\ufeff\ufffd]|\r/gu, '').trim())
    .filter((value) => value !== '' && !(separator && value.includes(separator)));
const entry = (separator: string) => fc.array(text(separator), { maxLength: 3 });
const row: fc.Arbitrary<ImportRow> = fc
  .record({
    id: text().map((id) => id.normalize('NFC')),
    title: fc.oneof(text(), fc.constantFrom('a "b" c', '"', 'line\nbreak', 'a,b;c\td', '""\n,"')),
    images: fc.array(
      fc.webUrl().map((url) => url.replaceAll('|', '')),
      { minLength: 1, maxLength: 3 },
    ),
    url: fc.option(fc.webUrl()),
    categories: entry('>'),
    tags: entry('|'),
    money: fc.option(fc.tuple(fc.nat(9_999_999), fc.integer({ min: 0, max: 99 }), fc.constantFrom('EUR', 'JPY'))),
    available: fc.boolean(),
    groupId: fc.option(text()),
    version: fc.nat(),
  })
  .map(({ money, ...rest }) => ({
    ...rest,
    price: money && `${money[0]}.${String(money[1]).padStart(2, '0')}`,
    currency: money?.[2] ?? null,
  }));
const catalog = fc.uniqueArray(row, { selector: ({ id }) => id, minLength: 1, maxLength: 6 });

/** Independent of the reader: RFC 4180, every cell quoted or only those that need it. */
function toCsv(rows: ImportRow[], delimiter: string, quoteAll: boolean): string {
  const quote = (cell: string) => (quoteAll || /[",;\t\n\r]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);
  const header = [
    'id',
    'title',
    'image',
    'url',
    'categories',
    'tags',
    'price',
    'currency',
    'available',
    'version',
    'item_group_id',
  ];
  const cells = rows.map((r) => [
    ...[r.id, r.title, r.images.join('|'), r.url ?? '', r.categories.join('>'), r.tags.join('|')],
    ...[r.price ?? '', r.currency ?? '', String(r.available), String(r.version), r.groupId ?? ''],
  ]);
  return [header, ...cells].map((line) => line.map(quote).join(delimiter)).join('\n');
}

test('a catalog written as CSV comes back as it was', async () => {
  await fc.assert(
    fc.asyncProperty(catalog, fc.constantFrom(',', ';', '\t'), fc.boolean(), async (rows, delimiter, quoteAll) => {
      expect(await read('round.csv', toCsv(rows, delimiter, quoteAll))).toEqual(
        rows.map((r) => ({ line: expect.any(Number), row: r })),
      );
    }),
    { numRuns: 150 },
  );
});

test('a catalog written as JSONL comes back as it was', async () => {
  await fc.assert(
    fc.asyncProperty(catalog, async (rows) => {
      const lines = rows.map(({ images, groupId, ...rest }) =>
        JSON.stringify({ ...rest, image: images, item_group_id: groupId }),
      );
      expect(await read('round.jsonl', lines.join('\n'))).toEqual(rows.map((r, i) => ({ line: i + 1, row: r })));
    }),
    { numRuns: 100 },
  );
});

test('a catalog written as a JSON array, over as many lines as it takes, comes back as it was', async () => {
  await fc.assert(
    fc.asyncProperty(catalog, fc.constantFrom(0, 1, 4), async (rows, indent) => {
      const objects = rows.map(({ images, groupId, ...rest }) => ({ ...rest, image: images, item_group_id: groupId }));
      expect(await read('round.json', `\n ${JSON.stringify(objects, null, indent)}\n`)).toEqual(
        rows.map((r) => ({ line: expect.any(Number), row: r })),
      );
    }),
    { numRuns: 100 },
  );
});

test('a catalog written as a feed comes back as it was', async () => {
  const inXml = (value: string) => value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll(']]>', ']]&gt;');
  await fc.assert(
    fc.asyncProperty(catalog, async (rows) => {
      const items = rows.map(
        ({ id, title, images: [first = '', ...others] }) =>
          `<item><g:id>${inXml(id)}</g:id><title>${inXml(title)}</title><g:image_link>${inXml(first)}</g:image_link>${others
            .map((url) => `<g:additional_image_link>${inXml(url)}</g:additional_image_link>`)
            .join('')}</item>`,
      );
      const entries = await read('round.xml', `<rss><channel>${items.join('\n')}</channel></rss>`);
      expect(rowsOf(entries).map(({ id, title, images }) => ({ id, title, images }))).toEqual(
        rows.map(({ id, title, images }) => ({ id, title, images: [...new Set(images)] })),
      );
      expect(entries.filter((one) => 'problem' in one)).toEqual([]);
    }),
    { numRuns: 100 },
  );
});

/** One line of anything: bytes, quotes and separators, halves of rows, JSON. */
const junk = fc
  .oneof(
    fc.uint8Array({ maxLength: 30 }).map((bytes) => Buffer.from(bytes)),
    fc
      .string({ unit: fc.constantFrom('"', ',', '""', 'x', ' ', '\\', '{', '}', ':', '\t') })
      .map((value) => Buffer.from(value)),
    fc.json().map((value) => Buffer.from(value)),
    fc
      .constantFrom('"', '"x,', ',",', 'x,"t', '",/p.png', '{"id":"j"}', '{"id":1,"image":{}}')
      .map((value) => Buffer.from(value)),
  )
  .map((bytes) => Buffer.from(bytes.filter((byte) => byte !== 10)));

/** Good lines and junk in any order, at least one of them good. */
const mixed = fc.array(fc.oneof(junk, fc.constant(null)), { maxLength: 12 }).map((lines) => [...lines, null]);

test.each([
  ['csv', 'id,title,image\n', (id: string) => `${id},A title,/pictures/${id}.jpg`],
  ['jsonl', '', (id: string) => JSON.stringify({ id, title: 'A title', image: `/pictures/${id}.jpg` })],
])('junk lines never throw, and hide no good row: %s', async (extension, header, goodLine) => {
  await fc.assert(
    fc.asyncProperty(mixed, async (lines) => {
      const ids = lines.flatMap((line, i) => (line === null ? [`good-row-${i}`] : []));
      const content = lines.map((line, i) => line ?? Buffer.from(goodLine(`good-row-${i}`)));
      const entries = await read(
        `junk.${extension}`,
        Buffer.concat([Buffer.from(header), ...content.flatMap((line) => [line, Buffer.from('\n')])]),
      );
      const found = rowsOf(entries)
        .map(({ id }) => id)
        .filter((id) => id.startsWith('good-row-'));
      expect(found).toEqual(ids);
    }),
    { numRuns: 400 },
  );
});
