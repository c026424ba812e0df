import { expect, test } from 'vitest';
import { knowCatalogs } from '../../../../src/catalog/known-catalogs.ts';

function world(there: string[]) {
  const state = { now: 0, asked: [] as string[], there, error: null as Error | null };
  const exists = async (id: string) => {
    state.asked.push(id);
    if (state.error) throw state.error;
    return state.there.includes(id);
  };
  return { state, known: knowCatalogs({ exists }, () => state.now) };
}

test('a catalog is looked up once, then a second later beside the answers', async () => {
  const { state, known } = world(['de']);
  for (let i = 0; i < 3; i++) await known.check('de');
  expect(state.asked).toEqual(['de']);
  state.now = 1000;
  await known.check('de');
  await known.check('de');
  expect(state.asked).toEqual(['de', 'de']);
});

test('one that is not there is looked up each time, so that it is known once it is made; `default` is always there', async () => {
  const { state, known } = world([]);
  for (let i = 0; i < 2; i++)
    await expect(known.check('fr')).rejects.toMatchObject({ code: 'CATALOG_UNKNOWN', facts: { catalog: 'fr' } });
  state.there.push('fr');
  await known.check('fr');
  await known.check('default');
  expect(state.asked).toEqual(['fr', 'fr', 'fr']);
});

test('one that was removed is unknown after the next look; while the database is away, what was known is', async () => {
  const { state, known } = world(['de']);
  await known.check('de');
  state.now = 1000;
  state.error = new Error('away');
  await known.check('de');
  state.error = null;
  state.now = 2000;
  state.there.length = 0;
  await known.check('de'); // looks
  await expect(known.check('de')).rejects.toMatchObject({ code: 'CATALOG_UNKNOWN' });
});

test.each(['\0', 'de\ud83d', 'De', '', 'a'.repeat(33)])(
  '%j is the name of no catalog, and nobody is asked',
  async (id) => {
    const { state, known } = world([id]);
    await expect(known.check(id)).rejects.toMatchObject({ code: 'CATALOG_UNKNOWN' });
    expect(state.asked).toEqual([]);
  },
);
