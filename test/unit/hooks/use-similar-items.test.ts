import { createRequire } from 'node:module';
import { expect, test } from 'vitest';

const require = createRequire(import.meta.url);
const { createElement } = require('react');
const { renderToString } = require('react-dom/server');
const { SimilarItems, useSimilarItems } = await import(new URL('../../../hooks/index.ts', import.meta.url).href);

type Use = { list: { nodes: { id: string }[] } | null; seen: (id: string) => unknown };

test('a server renders the list that it has, asks for none, and hands out refs that do nothing there', () => {
  const client = {
    similarItems: () => {
      throw new Error('a server that renders asks nobody');
    },
  };
  const initial = { status: 'OK', recommendationId: 'r', nodes: [{ id: 'b' }, { id: 'c' }], edges: [] };
  const Similar = (options: object) => {
    const { list, seen }: Use = useSimilarItems(client, 'a', options);
    const items = list?.nodes.map(({ id }) => createElement('li', { key: id, ref: seen(id) }, id));
    return createElement('ul', null, items);
  };
  expect(renderToString(createElement(Similar, { initial }))).toBe('<ul><li>b</li><li>c</li></ul>');
  expect(renderToString(createElement(Similar))).toBe('<ul></ul>');
});

test('a list draws its places by the shop, with the attributes it was given, and nothing without products', () => {
  const draw = (nodes: { id: string }[] | null) =>
    renderToString(
      createElement(
        SimilarItems,
        {
          client: 'http://simili.example',
          product: 'a',
          initial: nodes && { status: 'OK', recommendationId: 'r', nodes, edges: [] },
          'aria-label': 'Alike',
        },
        ({ id }: { id: string }) => createElement('b', null, id),
      ),
    );
  expect(draw([{ id: 'b' }, { id: 'c' }])).toBe('<ul aria-label="Alike"><li><b>b</b></li><li><b>c</b></li></ul>');
  expect(draw([])).toBe('');
  expect(draw(null)).toBe('');
});
