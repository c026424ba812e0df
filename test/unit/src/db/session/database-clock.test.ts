import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openDatabaseClock } from '../../../../../src/db/session/database-clock.ts';
import type { Ask } from '../../../../../src/db/sql/ask.ts';
import { timeLeft } from '../../../../../src/deadline.ts';
import { packageFile } from '../../../../../src/package-root.ts';
import { clockContract } from '../../../../../src/testing/clock.ts';

const HOUR = 3_600_000;
/** A database whose clock is `ahead` of `at`, which a test moves; each question takes `roundTrip`, half of it on the way there. */
function machines({ ahead = 0, roundTrip = 0 } = {}) {
  const time = { at: 1000, ahead, isAway: false, asked: 0 };
  const ask = async () => {
    time.asked += 1;
    if (time.isAway) throw new Error('connect ECONNREFUSED');
    time.at += roundTrip / 2;
    const ms = time.at + time.ahead;
    time.at += roundTrip / 2;
    return [{ ms }];
  };
  return { time, open: () => openDatabaseClock(ask as unknown as Ask, () => time.at) };
}
const settled = () => new Promise((resolve) => setImmediate(resolve));

test("the time is the database's, however far the clock of this machine is off, and it is asked once", async () => {
  for (const ahead of [0, -5 * HOUR, 7 * HOUR]) {
    const { time, open } = machines({ ahead });
    const clock = await open();
    expect(clock.now().getTime()).toBe(1000 + ahead);
    time.at += 1234;
    expect([clock.now().getTime(), time.asked]).toEqual([2234 + ahead, 1]);
  }
});

test('it is never ahead of the database, so that what is set to be due now is due at once, and behind by a round trip at most', async () => {
  const { time, open } = machines({ ahead: HOUR, roundTrip: 40 });
  const clock = await open();
  const behind = time.at + time.ahead - clock.now().getTime();
  expect(behind).toBeGreaterThanOrEqual(0);
  expect(behind).toBeLessThanOrEqual(40);
});

test('after a minute the database is asked again, beside the work: a machine whose clock drifts is set right', async () => {
  const { time, open } = machines();
  const clock = await open();
  time.ahead = 500; // this machine has lost half a second
  time.at += 59_999;
  clock.now();
  expect(time.asked).toBe(1);
  time.at += 1;
  expect(clock.now().getTime()).toBe(61_000); // waits for nobody
  await settled();
  expect([clock.now().getTime(), time.asked]).toEqual([61_500, 2]);
});

test('it never goes back, and goes on while the database is away', async () => {
  const { time, open } = machines();
  const clock = await open();
  time.ahead = -500;
  time.at += 60_000;
  expect(clock.now().getTime()).toBe(61_000);
  await settled();
  expect(clock.now().getTime()).toBe(61_000);
  time.at += 600;
  expect(clock.now().getTime()).toBe(61_100);
  time.isAway = true;
  time.at += 60_000;
  expect(clock.now().getTime()).toBe(121_100);
  await settled();
  time.at += 10;
  expect([clock.now().getTime(), time.asked]).toEqual([121_110, 3]);
});

test('it is asked again in a time of its own, whoever asks for it then: a frozen database keeps none of its sessions', async () => {
  const seen: (number | undefined)[] = [];
  let at = 0;
  const ask = (async () => {
    seen.push(timeLeft()?.ms);
    return [{ ms: 1000 }];
  }) as unknown as Ask;
  const clock = await openDatabaseClock(ask, () => at);
  at += 60_000;
  clock.now();
  await settled();
  expect(seen).toEqual([undefined, expect.any(Number)]);
  expect(seen[1]).toBeLessThanOrEqual(5000);
});

test('it keeps the contract of clocks', async () => {
  const clock = await openDatabaseClock((async () => [{ ms: Date.now() }]) as unknown as Ask);
  for (const { run } of clockContract(clock)) await run();
  const backwards = { now: () => new Date(2e12 - performance.now()) };
  const failed: string[] = [];
  for (const { title, run } of clockContract(backwards)) await run().catch(() => failed.push(title));
  expect(failed).toContain('never goes back');
});

test('no table gets a time of another clock', () => {
  const folder = packageFile('src/db');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  expect(files.length).toBeGreaterThan(80);
  const own = files.filter((file) => /\bnew Date\(\)|\bDate\.now\(\)/.test(readFileSync(join(folder, file), 'utf8')));
  expect(own).toEqual(['session/lock.ts']); // of a folder, whose processes are on one machine
});
