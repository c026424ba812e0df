import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { demoCatalog } from '../../scripts/demo-catalog.ts';
import { ask } from '../support/ask.ts';
import { collect } from '../support/collect.ts';
import { freshDataDir } from '../support/embedded.ts';
import { runSimili, startSimili } from '../support/simili-process.ts';

test('a shop of one product says what is missing; with a second one it is answered, and a third one finds its place', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'simili-small-'));
  onTestFinished(() => rm(dir, { recursive: true }));
  const env = { SIMILI_DATA_DIR: join(dir, 'data') };
  const rows = (await collect(demoCatalog())).flatMap((entry) => ('row' in entry ? [entry.row] : []));
  const put = async (...ids: string[]) => {
    await mkdir(join(dir, 'pictures'), { recursive: true });
    for (const id of ids) {
      const [image = ''] = rows.find((row) => row.id === id)?.images ?? [];
      await copyFile(image, join(dir, 'pictures', `${id}${basename(image).slice(basename(image).indexOf('.'))}`));
    }
    return runSimili(['import', join(dir, 'pictures')], env);
  };
  await freshDataDir(join(dir, 'data'));
  await put('red-apple');
  {
    await using simili = await startSimili(['start', '--no-demo'], env, /first model needs/);
    expect(simili.output()).toContain('The first model needs 2 products with a readable picture; there is 1');
    expect(await simili.stop()).toBe(0);
  }
  await put('green-apple', 'violin');
  await using simili = await startSimili(['start', '--no-demo'], env);
  while (!simili.output().includes('similarItems answers from model')) await sleep(100);
  const { products } = (await ask(`${simili.url}/graphql`, '{ products(first: 9) { nodes { id } } }')).data;
  const apple = products.nodes.find(({ id }: { id: string }) => id.includes('red-apple')).id;
  const query = `{ similarItems(id: "${apple}") { status edges { node { id } } } }`;
  const { similarItems } = (await ask(`${simili.url}/graphql`, query)).data;
  expect(similarItems.status).toBe('OK');
  expect(similarItems.edges.map(({ node }: { node: { id: string } }) => node.id.replace(/\..*/, ''))).toEqual([
    'green-apple',
    'violin',
  ]);
}, 600_000);
