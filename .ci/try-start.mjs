// `npx simili start` in the project of a stranger: it must answer with products, and stop when asked. Folder: argument 1.
import { spawn } from 'node:child_process';
import { once } from 'node:events';

const [cwd = '.'] = process.argv.slice(2);
const PATIENCE_MS = 600_000;
// In a group of its own: npx does not pass signals on.
const child = spawn('npx', ['--no-install', 'simili', 'start'], {
  cwd,
  detached: true,
  stdio: ['ignore', 'pipe', 'inherit'],
});
let output = '';
child.stdout.on('data', (text) => {
  output += text;
  process.stdout.write(text);
});
const query = '{ similarItems(id: "pizza", first: 3) { status edges { node { id } } } }';

async function answer() {
  const [, url] = /API at (\S+)/.exec(output) ?? [];
  if (!url || !output.includes('similarItems answers')) return null;
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(`${url.replace(/\/$/, '')}/graphql`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ query }),
  });
  return (await response.json()).data.similarItems;
}

try {
  let found = null;
  for (const end = Date.now() + PATIENCE_MS; !found && Date.now() < end && child.exitCode === null; ) {
    await new Promise((resolve) => setTimeout(resolve, 500));
    found = await answer();
  }
  if (found?.status !== 'OK' || found.edges.length !== 3) throw new Error(`no answer: ${JSON.stringify(found)}`);
  process.stdout.write(`answered with ${found.edges.map(({ node }) => node.id).join(', ')}\n`);
} finally {
  if (child.exitCode === null) {
    const gone = once(child, 'exit');
    process.kill(-child.pid, 'SIGTERM');
    await gone;
  }
}
