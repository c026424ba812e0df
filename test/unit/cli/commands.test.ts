import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const cli = new URL('../../../cli/', import.meta.url);
/** Each brings those before it. */
const PACKAGES = ['none', '@simili/learning', '@simili/worker', '@simili/lab'];

/** Packages of ours that a module of cli/ loads with all that it imports; what it imports as a type alone is not loaded. */
function loadedWith(module: URL, seen = new Set<string>()): string[] {
  if (seen.has(module.href)) return [];
  seen.add(module.href);
  const imports = readFileSync(module, 'utf8').matchAll(/^(?:import|export) (?!type )[^;]*?from '([^']+)';/gm);
  return [...imports].flatMap(([, from = '']) => {
    if (from.startsWith('@simili/')) return [from.split('/').slice(0, 2).join('/')];
    const next = new URL(from, module);
    return from.startsWith('.') && next.href.startsWith(cli.href) ? loadedWith(next, seen) : [];
  });
}

test('help knows of each command which package of ours it cannot be loaded without', () => {
  const table = readFileSync(new URL('commands.ts', cli), 'utf8');
  const entries = [...table.matchAll(/(?:needs: (\w+),\s+)?load: async \(\) => \(await import\('(.+?)'\)\)/g)].map(
    ([, needs = 'none', file = '']) => [file, needs.toLowerCase()],
  );
  expect(entries.length).toBe(table.split('about:').length - 1 - table.split('commands: {').length + 1);
  const found = entries.map(([file = '']) => {
    const ranks = loadedWith(new URL(file, cli)).map((name) => PACKAGES.indexOf(name));
    return [file, (PACKAGES[Math.max(0, ...ranks)] ?? '').replace('@simili/', '')];
  });
  expect(entries).toEqual(found);
});
