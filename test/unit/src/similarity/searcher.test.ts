import { expect, test } from 'vitest';
import type { Found, RankingVersion } from '../../../../src/db/search/repository.ts';
import type { SearchFilter } from '../../../../src/db/search/statement.ts';
import { noTelemetry } from '../../../../src/ports/telemetry.ts';
import { searcher } from '../../../../src/similarity/searcher.ts';

/** Notes which statements were made; the list of `broken` fails. */
function world(broken?: number) {
  const statements: string[] = [];
  const nearest = searcher(
    {
      async nearestOfEach(
        { number: version }: RankingVersion,
        anchors: readonly string[],
        filter: SearchFilter,
        limit: number,
      ) {
        statements.push(`${version} ${anchors} ${JSON.stringify(filter)} ${limit}`);
        if (version === broken) throw new Error('gone');
        return anchors.map((anchor): Found => ({ anchor: anchor === 'x' ? 'unknown' : 'ranked', neighbours: [] }));
      },
      async nearestOfAll({ number: version }: RankingVersion, anchors: readonly string[]) {
        statements.push(`${version} all of ${anchors}`);
        return { anchor: 'cold', neighbours: [] };
      },
      async nearestToVector({ number: version }: RankingVersion, vector: Float32Array) {
        statements.push(`${version} to ${vector}`);
        return { anchor: 'ranked', neighbours: [] };
      },
    },
    noTelemetry,
  );
  const ask = (version: number, anchorId: string, filter: SearchFilter = {}, limit = 13) =>
    nearest({ version: { number: version, spaces: [] }, anchorId, filter, limit, behind: null });
  const askTogether = (anchorIds: readonly string[]) =>
    nearest({ version: { number: 1, spaces: [] }, anchorId: 'key', anchorIds, filter: {}, limit: 13, behind: null });
  const askPicture = (anchorId: string, ...numbers: number[]) =>
    nearest({
      version: { number: 1, spaces: [] },
      anchorId,
      vector: Float32Array.from(numbers),
      filter: {},
      limit: 13,
      behind: null,
    });
  return { statements, ask, askTogether, askPicture };
}

test('lists that differ in nothing but their anchor are one statement, each with its own answer', async () => {
  const { statements, ask } = world();
  const found = await Promise.all([ask(1, 'a'), ask(1, 'x'), ask(1, 'b')]);
  expect(statements).toEqual(['1 a,x,b {} 13']);
  expect(found.map(({ anchor }) => anchor)).toEqual(['ranked', 'unknown', 'ranked']);
});

test('another version, filter or length is a statement of its own', async () => {
  const { statements, ask } = world();
  await Promise.all([ask(1, 'a'), ask(2, 'a'), ask(1, 'a', { available: true }), ask(1, 'a', {}, 5)]);
  expect(statements).toEqual(['1 a {} 13', '2 a {} 13', '1 a {"available":true} 13', '1 a {} 5']);
});

test('a list that is asked for twice in one answer is searched once', async () => {
  const { statements, ask } = world();
  await Promise.all([ask(1, 'a'), ask(1, 'a')]);
  await ask(1, 'a');
  expect(statements).toEqual(['1 a {} 13']);
});

test('a statement that fails takes none of the others with it', async () => {
  const { ask } = world(2);
  const [good, bad] = await Promise.allSettled([ask(1, 'a'), ask(2, 'a')]);
  expect([good.status, bad.status]).toEqual(['fulfilled', 'rejected']);
});

test('several anchors as one are a statement of their own, asked once', async () => {
  const { statements, ask, askTogether } = world();
  const found = await Promise.all([ask(1, 'a'), askTogether(['a', 'b']), askTogether(['a', 'b']), askTogether(['b'])]);
  expect(statements.sort()).toEqual(['1 a {} 13', '1 all of a,b', '1 all of b']);
  expect(found.map(({ anchor }) => anchor)).toEqual(['ranked', 'cold', 'cold', 'cold']);
});

test('each picture is a statement of its own, asked once, also beside a product', async () => {
  const { statements, ask, askPicture } = world();
  await Promise.all([
    ask(1, 'a'),
    askPicture('picture x', 0, 1),
    askPicture('picture x', 0, 1),
    askPicture('picture y', 1, 0),
  ]);
  expect(statements.sort()).toEqual(['1 a {} 13', '1 to 0,1', '1 to 1,0']);
});
