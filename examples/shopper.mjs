// What the tests of storefronts share: the programs of a shop, a real browser, and what Simili stored of its visitor.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { chromium } from 'playwright-core';

const { CHROMIUM_PATH: executablePath, SIMILI_INSTALLED: installed, ...environment } = process.env;
const PATIENCE_MS = 60_000;

/** Options of tests: where there is no browser they are skipped, and those of projects of their own where these are not installed (.ci/install-examples.mjs). */
export const needsBrowser = { skip: !executablePath };
export const needsInstalled = { skip: !executablePath || !installed };
/** The folder where an example is installed. */
export const installedAt = (name) => join(installed, name);

export async function openBrowser(t) {
  const browser = await chromium.launch({ executablePath, args: ['--headless', '--no-sandbox', '--disable-gpu'] });
  t.after(() => browser.close());
  return browser;
}

const start = (cwd, [name, ...args], env, stdout) =>
  spawn(name === 'node' ? process.execPath : join(cwd, 'node_modules/.bin', name), args, {
    cwd,
    env: { ...environment, ...env },
    stdio: ['ignore', stdout, 'inherit'],
    detached: true, // a group of its own: it may start others
  });

/** Runs a program that the project in `cwd` has installed, to its end. */
export async function run(cwd, command, env = {}) {
  const [status] = await once(start(cwd, command, env, 'inherit'), 'exit');
  assert.equal(status, 0, command.join(' '));
}

/** Runs one until the test is over. @returns what it prints once it is ready: its address, where it prints that */
export async function serve(t, cwd, command, env = {}, ready = /http:\/\/[\w.]+:\d+/) {
  const child = start(cwd, command, env, 'pipe');
  t.after(async () => {
    const exit = once(child, 'exit');
    if (child.exitCode === null && process.kill(-child.pid)) await exit;
  });
  for await (const line of createInterface({ input: child.stdout })) {
    const [url] = ready.exec(line) ?? [];
    if (url) return url;
  }
  throw new Error(`${command.join(' ')} ended before it listened`);
}

/** Waits until Simili has stored these of the tab's visitor, as `KIND id,id`, and no others. */
export async function expectEvents(shop, tab, expected) {
  let stored = [];
  for (const end = Date.now() + PATIENCE_MS; stored.length < expected.length && Date.now() < end; ) {
    await tab.waitForTimeout(50);
    const visitor = await tab.evaluate("localStorage.getItem('simili.visitor')"); // drawn with the first event
    if (!visitor) continue;
    const { events } = await shop.services.visitorEvents(visitor, { first: 100, after: null });
    stored = events.map(({ kind, itemIds }) => `${kind} ${itemIds.toSorted()}`).sort();
  }
  assert.deepEqual(stored, expected);
}
