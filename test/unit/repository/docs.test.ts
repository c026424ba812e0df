import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSchema, parse, validate } from 'graphql';
import { expect, test } from 'vitest';
import { demoCatalog } from '../../../scripts/demo-catalog.ts';
import { collect } from '../../support/collect.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const read = (path: string) => readFileSync(join(root, path), 'utf8');
const pagesIn = (folder: string) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .map((file) => join(folder, file));
const pages = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...pagesIn('docs'), ...pagesIn('encoders')];

/** Pages without their code, where brackets mean something else. */
const proseOf = (path: string) =>
  read(path)
    .replace(/^```[\s\S]*?^```/gm, '')
    .replace(/`[^`\n]*`/g, '');
/** The anchor that GitHub makes of a heading. */
const anchorsOf = (path: string) =>
  [...read(path).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );

test('the README is read in a few minutes: at most 700 words, code and all', () => {
  expect(read('README.md').split(/\s+/).filter(Boolean).length).toBeLessThanOrEqual(700);
});

test('the README shows the picture, the two lines, a query, a click, a training, a catalog and a server, in this order', () => {
  const text = read('README.md');
  const parts = [
    'similar.png',
    'npm ci && npm start',
    'npm ci && npm test',
    'similarItems(id:',
    'submitFeedback',
    'retrain(',
    'simili import',
    'plugin.extend',
    'docs/configuration.md',
  ];
  const places = parts.map((part) => text.indexOf(part, text.indexOf('similar.png')));
  expect(places.every((place) => place >= 0)).toBe(true);
  expect(places).toEqual([...places].sort((a, b) => a - b));
});

test('the README brings in a catalog beside that of the demo, with the command that is built already', () => {
  const [own = ''] = /## Your own catalog[\s\S]*?```sh\n[\s\S]*?```/.exec(read('README.md')) ?? [];
  expect(own).toMatch(
    /export SIMILI_DATA_DIR=.*\nnode dist\/cli\/main\.js import .*\nnode dist\/cli\/main\.js start --no-demo\n/,
  );
});

test('products that examples name are those of the demo', async () => {
  const known = new Set((await collect(demoCatalog())).flatMap((entry) => ('row' in entry ? [entry.row.id] : [])));
  known.add('mug-42'); // stands for a shop's own
  const text = ['README.md', 'docs/api.md', 'docs/compare.md'].map(read).join('\n');
  const asked = [
    ...text.matchAll(/similarItems\(id: \\?"([^"\\]+)/g),
    ...text.matchAll(/explainSimilarity\(a: "(.+?)", b: "(.+?)"/g),
  ];
  const named = asked.flatMap(([, ...ids]) => ids);
  expect(named).toEqual(expect.arrayContaining(['pizza', 'red-apple']));
  expect(named.filter((id) => !known.has(id))).toEqual([]);
});

test.each(pages)('every link of %s leads to a file that is there, and to a heading in it', (page) => {
  const links = [...proseOf(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link);
  const broken = links.filter((link) => {
    if (/^[a-z]+:/.test(link)) return false;
    const [path = '', anchor] = link.split('#');
    const file = path ? resolve(dirname(join(root, page)), path) : join(root, page);
    return !existsSync(file) || (anchor !== undefined && !anchorsOf(file.slice(root.length)).includes(anchor));
  });
  expect(broken).toEqual([]);
});

test('the Next.js files of docs/storefront.md are those of the example that CI runs, and as many lines as it says', () => {
  const text = read('docs/storefront.md');
  const blocks = [...text.matchAll(/^```jsx\n\/\/ (app\/.+)\n([\s\S]*?)^```/gm)];
  expect(blocks.map(([, file]) => file)).toEqual(['app/products/[id]/page.jsx', 'app/products/[id]/similar.jsx']);
  for (const [, file, code] of blocks) expect(code).toBe(read(`examples/nextjs/${file}`));
  const lines = blocks.flatMap(([, , code = '']) => code.split('\n')).filter((line) => line.trim());
  expect(text).toContain(`They have ${lines.length} lines that are not blank`);
});

test('every query of the comparison is one of the contract', () => {
  const queries = [...read('docs/compare.md').matchAll(/`((?:\{|query|mutation)[^`]+\})`/g)].map(
    ([, query = '']) => query,
  );
  expect(queries.length).toBeGreaterThan(10);
  const contracts = ['schema.graphql', 'schema.admin.graphql'].map(read);
  const schema = buildSchema(contracts.join('\n'), { assumeValidSDL: true });
  const wrong = queries.flatMap((query) => validate(schema, parse(query)).map(({ message }) => `${query}: ${message}`));
  expect(wrong).toEqual([]);
});
