import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { expect, test } from 'vitest';

const inRoot = (path: string) => fileURLToPath(new URL(`../../../${path}`, import.meta.url));

/** Bytes that a shopper's browser loads: what a shop's bundler makes of a module, minified and compressed. */
async function weightOf(file: string): Promise<number> {
  const { outputFiles } = await build({
    entryPoints: [inRoot(file)],
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    write: false,
    logLevel: 'silent',
  });
  return gzipSync(outputFiles[0]!.contents, { level: 9 }).length;
}

test('the client weighs at most 4 KB, with the web component at most 6 KB', async () => {
  expect(await weightOf('client/index.ts')).toBeLessThanOrEqual(4096);
  expect(await weightOf('client/served.ts')).toBeLessThanOrEqual(6144);
});
