// Starts every example on a free port, asks it one question and checks the answer, and runs the tests of those that have some. Needs
// `npm run build` first; those that are projects of their own are tried where SIMILI_INSTALLED names the folder that they are installed in.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const list = 'similarItems(first: 2) { status nodes { id } }';
const pinkFirst = { status: 'OK', nodes: [{ id: 'pink-mug' }, { id: 'blue-jug' }] };
const examples = {
  standalone: {
    query: '{ similarItems(id: "red-mug", first: 2) { status nodes { id } } }',
    data: { similarItems: pinkFirst },
  },
  subgraph: {
    query: `{ _entities(representations: [{ __typename: "Product", id: "red-mug" }]) { ... on Product { ${list} } } }`,
    data: { _entities: [{ similarItems: pinkFirst }] },
  },
  extend: {
    query: `{ product(id: "red-mug") { inStock ${list} } }`,
    data: { product: { inStock: 3, similarItems: pinkFirst } },
  },
  'own-encoder': {
    query: '{ similarItems(id: "red-mug", first: 2) { status nodes { id } } }',
    data: { similarItems: { status: 'OK', nodes: [{ id: 'red-teapot' }, { id: 'pink-jug' }] } },
  },
  'own-rules': {
    query: `{
      all: similarItems(id: "mug") { nodes { id } }
      bolt: similarItems(id: "mug", filter: { own: [{ name: "brand", values: ["bolt"] }] }) { nodes { id } }
    }`,
    data: {
      all: { nodes: [{ id: 'cup' }, { id: 'tray' }, { id: 'bowl' }] },
      bolt: { nodes: [{ id: 'tray' }] },
    },
  },
};

/** The address that a server prints once it listens. */
async function addressOf(child) {
  for await (const line of createInterface({ input: child.stdout })) {
    const [, url] = /^Listening on (\S+)/.exec(line) ?? [];
    if (url) return url;
  }
  throw new Error('the example ended before it listened');
}

async function askEach() {
  for (const [name, { query, data }] of Object.entries(examples)) {
    const script = fileURLToPath(new URL(`./${name}/server.mjs`, import.meta.url));
    const child = spawn(process.execPath, [script], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, PORT: '0' },
    });
    const exit = once(child, 'exit');
    try {
      const body = JSON.stringify({ query });
      const response = await fetch(await addressOf(child), {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      });
      assert.deepEqual(await response.json(), { data });
      process.stdout.write(`${name}: ok\n`);
    } finally {
      child.kill();
      await exit;
    }
  }
}

async function test() {
  const folder = fileURLToPath(new URL('.', import.meta.url));
  const isTest = (file) => file.endsWith('.test.mjs') && !file.includes('node_modules');
  const tests = readdirSync(folder, { recursive: true }).filter(isTest);
  const [status] = await once(spawn(process.execPath, ['--test', ...tests], { cwd: folder, stdio: 'inherit' }), 'exit');
  assert.equal(status, 0, 'tests of the examples');
}

// Side by side. Both to their end, also where one fails: no child is left over.
for (const { reason } of await Promise.allSettled([askEach(), test()])) if (reason) throw reason;
