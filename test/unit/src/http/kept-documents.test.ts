import { createHash, randomUUID } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { buildSchema } from 'graphql';
import { expect, onTestFinished, test } from 'vitest';
import { storefrontLimits } from '../../../../src/graphql/cost/limits.ts';
import { makeApollo } from '../../../../src/http/apollo.ts';
import { keptTexts } from '../../../../src/http/kept-documents.ts';
import { fakeLog } from '../../../support/api.ts';

/** A store's bound, and a little. */
const MOST_MB = 33;
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

async function keptMB(work: () => Promise<void>): Promise<number> {
  collect();
  const before = process.memoryUsage().heapUsed;
  await work();
  collect();
  return (process.memoryUsage().heapUsed - before) / 2 ** 20;
}

/** An Apollo server over a schema whose only field fails, where it is told. */
async function apollo() {
  const schema = buildSchema('type Query { word(of: [Int]): String }');
  schema.getQueryType()!.getFields().word!.resolve = () => {
    throw Object.assign(new Error('No word'), { extensions: { code: 'NONE' } });
  };
  const server = makeApollo(schema, storefrontLimits, { explore: true, stackTraces: false }, fakeLog().log);
  await server.start();
  onTestFinished(() => server.stop());
  return async (query: string) => {
    const { body } = await server.executeOperation({ query });
    return body.kind === 'single' ? body.singleResult : expect.fail('one answer was asked for');
  };
}

/** Parsed, as a request's are: it shares its letters with nothing. */
const received = (query: string): string => JSON.parse(JSON.stringify(query));

test.each([
  ['comments', 700, (i: number) => `{ a${i}: __typename }${'#\n'.repeat(900)}`],
  ['tokens', 300, (i: number) => `{ a${i}: word(of: [${'1,'.repeat(950)}]) }`],
])('documents full of %s are kept by what they hold', async (_what, many, documentOf) => {
  const ask = await apollo();
  await ask(documentOf(many)); // what is compiled once is none of theirs
  const kept = await keptMB(async () => {
    for (let i = 0; i < many; i++) await ask(received(documentOf(i)));
  });
  expect(kept).toBeLessThan(MOST_MB);
});

test('short texts that are named by their hash are kept with what their names and places take', async () => {
  const texts = keptTexts();
  const kept = await keptMB(async () => {
    for (let i = 0; i < 150_000; i++)
      await texts.set(createHash('sha256').update(randomUUID()).digest('hex'), `{a${i}}`);
  });
  expect(kept).toBeLessThan(MOST_MB);
  expect(await texts.get('unknown')).toBeUndefined();
});

test('an error is told its line and column, of a document that is kept, too', async () => {
  const ask = await apollo();
  const document = '# one that fails\n{\n  word\n}';
  for (const time of ['first', 'second'])
    expect((await ask(document)).errors, time).toMatchObject([
      { path: ['word'], locations: [{ line: 3, column: 3 }], extensions: { code: 'NONE' } },
    ]);
});
