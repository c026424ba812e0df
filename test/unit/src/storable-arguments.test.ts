import { expect, test } from 'vitest';
import { refusingUnstorable } from '../../../src/storable-arguments.ts';

function services() {
  const asked: unknown[] = [];
  const note = async (...args: unknown[]) => void asked.push(args);
  const own = {
    catalog: 'default',
    find: note as (id: string, page: { tags: string[] }) => Promise<void>,
    entries: note,
  };
  return { asked, ...refusingUnstorable(own, { find: (id, page) => ({ id, ...page }), entries: null }) };
}

test.each([
  ['id', 'mug\0', []],
  ['tags.1', 'mug', ['new', '\ud83d']],
])('text that cannot be stored is refused at %s, before the use case', async (argument, id, tags) => {
  const { find, asked } = services();
  await expect(find(id, { tags })).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    facts: { argument, why: 'may not hold U+0000 or half of a surrogate pair' },
  });
  expect(asked).toEqual([]);
});

test('all else goes through as it is, and entries are not looked at', async () => {
  const { find, entries, catalog, asked } = services();
  await find('mug 😀', { tags: [] });
  await entries([{ id: '\0' }]);
  expect(asked).toEqual([['mug 😀', { tags: [] }], [[{ id: '\0' }]]]);
  expect(catalog).toBe('default');
});
