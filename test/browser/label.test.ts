import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { openBrowser, openPage } from '../support/browser.ts';
import { runSimili, startSimili } from '../support/simili-process.ts';
import { drawn } from '../support/training-set.ts';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'simili-label-'));
  await mkdir(join(dir, 'pictures', 'wide'), { recursive: true });
  for (let i = 0; i < 5; i++) {
    const picture = sharp(drawn('wide', i), { raw: { width: 64, height: 64, channels: 3 } });
    await picture.png().toFile(join(dir, 'pictures', 'wide', `${i}.png`));
  }
  await writeFile(join(dir, 'pictures', 'wide', 'broken.png'), 'no picture');
});
afterAll(() => rm(dir, { recursive: true }));

const args = (rater: string): string[] => [
  ...['label', '--images', join(dir, 'pictures'), '--out', join(dir, 'triplets.csv')],
  ...['--rater', rater, '--count', '4'],
];
const lines = async (file: string): Promise<string[]> => (await readFile(join(dir, file), 'utf8')).trim().split('\n');
const start = async (rater: string) => {
  const simili = await startSimili(args(rater), { SIMILI_DATA_DIR: join(dir, 'data') }, /Open\s+http/);
  return { simili, url: /Open\s+(http\S+\/)/.exec(simili.output())![1]! };
};

test('a rater answers by keyboard, takes one back, comes again another day, and agrees with another one or not', {
  tags: ['chromium'],
}, async () => {
  const browser = await openBrowser();
  onTestFinished(() => browser.close());
  const first = await start('Anna');
  expect(first.simili.output()).toContain('left out: Cannot decode wide/broken.png');
  {
    await using open = await openPage(browser, first.url);
    const { page } = open;
    const status = page.locator('#status');
    await expect.poll(() => status.textContent()).toContain('Anna: 0 of 4');
    const shown = () =>
      page.locator('#query').evaluate((image) => (image as unknown as { naturalWidth: number }).naturalWidth);
    await expect.poll(shown).toBe(64);
    await page.keyboard.press('ArrowLeft');
    await expect.poll(() => status.textContent()).toContain('1 of 4, 1 triplets');
    await page.keyboard.press('ArrowUp');
    await expect.poll(() => status.textContent()).toContain('2 of 4, 1 triplets');
    await page.keyboard.press('u');
    await expect.poll(() => status.textContent()).toContain('1 of 4, 1 triplets');
    await page.keyboard.press('b');
    await expect.poll(() => status.textContent()).toContain('2 of 4, 2 triplets');
    expect(open.problems).toEqual([]);
  }
  expect(await first.simili.stop()).toBe(0);
  expect(await lines('triplets.csv')).toHaveLength(1 + 2);

  const second = await start('Anna');
  {
    await using open = await openPage(browser, second.url, { width: 390, dark: true });
    await expect.poll(() => open.page.locator('#status').textContent()).toContain('Anna: 2 of 4');
    await open.page.locator('button[data-answer=neither]').click();
    await expect.poll(() => open.page.locator('#status').textContent()).toContain('3 of 4');
    await open.page.locator('button[data-answer=a]').click();
    await expect.poll(() => open.page.locator('#done').isVisible()).toBe(true);
    const overflow = await open.page.evaluate('document.documentElement.scrollWidth - window.innerWidth');
    expect(overflow).toBeLessThanOrEqual(0);
    expect(open.problems).toEqual([]);
  }
  await second.simili.stop();

  const other = await start('Ben');
  {
    await using open = await openPage(browser, other.url);
    await expect.poll(() => open.page.locator('#status').textContent()).toContain('Ben: 0 of 4');
    await open.page.keyboard.press('ArrowRight'); // Anna said a
    await expect
      .poll(() => open.page.locator('#status').textContent())
      .toContain('of 1 that others answered too 0 % agree');
  }
  expect(await other.simili.stop()).toBe(0);
  expect(other.simili.output()).toContain('1 questions answered by several: 0 % agree');
  expect(await lines('triplets.csv')).toHaveLength(1 + 2); // the first one is lost, the last one is new
  expect(await lines('answers.csv')).toHaveLength(1 + 4 + 2 + 1);
});

test('nobody but the page itself may answer, and no path comes from a request', async () => {
  const { simili, url } = await start('Cleo');
  const post = (headers: Record<string, string>, body: string) =>
    fetch(`${url}answer`, { method: 'POST', headers, body });
  const answer = JSON.stringify({ question: 0, answer: 'a' });
  const json = { 'content-type': 'application/json' };
  expect((await post({ 'content-type': 'text/plain' }, answer)).status).toBe(403);
  expect((await post({ ...json, origin: 'http://elsewhere.example' }, answer)).status).toBe(403);
  expect((await post(json, '{"question":0,"answer":"maybe"}')).status).toBe(400);
  expect((await post(json, 'not json')).status).toBe(400);
  expect((await fetch(`${url}picture/99`)).status).toBe(404);
  expect((await fetch(`${url}..%2f..%2fpackage.json`)).status).toBe(404);
  expect((await fetch(`${url}picture/0`)).headers.get('content-type')).toBe('image/png');
  expect((await post(json, answer)).status).toBe(200);
  await simili.stop();
});

test('what cannot work is said at once', async () => {
  const told = async (...changed: string[]): Promise<string> => {
    const { code, output } = await runSimili([...args('Dora'), ...changed], {});
    expect(code).toBe(1);
    return output;
  };
  expect(await told('--images', join(dir, 'absent'))).toContain('it is no folder');
  expect(await told('--rater', 'Anna, Ben')).toContain('a rater has a name without commas');
  expect(await told('--count', 'none')).toContain('count is a whole number above 0');
  expect(await told('--out', join(dir, 'pictures', 'wide', '0.png', 'triplets.csv'))).toContain('cannot be written');
});
