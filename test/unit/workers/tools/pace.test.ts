import { cpus } from 'node:os';
import { expect, test } from 'vitest';
import { type Machine, THIS_MACHINE, unhurried } from '../../../../workers/tools/pace.ts';

const never = new AbortController().signal;

/** A machine of two processors, of whose work others do `others` (0 to 2) and this process, while it works, `own`. */
function machine({ others = 2, own = 1, tells = true } = {}) {
  const load = { others, own };
  const clock = { now: 0, busy: 0 };
  const rests: number[] = [];
  const pass = (ms: number, mine: number) => {
    clock.now += ms;
    clock.busy += ms * Math.min(2, load.others + mine);
  };
  const one: Machine = {
    now: () => clock.now,
    processors: () => (tells ? { busy: clock.busy, all: 2 * clock.now } : { busy: 0, all: 0 }),
    async wait(ms, signal) {
      signal.throwIfAborted();
      pass(ms, 0);
      rests.push(ms);
    },
  };
  const rested = () => rests.splice(0).reduce((sum, ms) => sum + ms, 0);
  return { one, load, work: (ms: number) => pass(ms, load.own), rested };
}

test('where others fill the machine it rests twice as long as it has worked, two seconds at most', async () => {
  const { one, work, rested } = machine();
  const pace = unhurried(one);
  for (const [ms, rest] of [
    [300, 600],
    [150, 300],
    [5000, 2000],
  ] as const) {
    work(ms);
    await pace(never);
    expect(rested()).toBe(rest);
  }
});

test('as long as others want the machine, it rests after each piece of work, however short; when they have gone, it works on', async () => {
  const { one, load, work, rested } = machine();
  const pace = unhurried(one);
  const step = async (ms: number) => {
    work(ms);
    await pace(never);
    return rested();
  };
  expect(await step(20)).toBe(0); // nothing is known of others yet
  expect(await step(100)).toBe(240);
  for (let i = 0; i < 50; i++) expect(await step(20)).toBe(40);
  load.others = 0.5;
  const rests: number[] = [];
  for (let i = 0; i < 50; i++) rests.push(await step(20));
  const last = rests.lastIndexOf(40);
  expect(40 * last).toBeGreaterThan(200); // one short rest tells nothing
  expect(40 * last).toBeLessThan(1000);
  expect(rests.slice(last + 1).every((ms) => ms === 0)).toBe(true);
});

test('work that fills the machine by itself goes on after a look, and is not looked at again for ten seconds', async () => {
  const { one, load, work, rested } = machine({ others: 0, own: 2 });
  const pace = unhurried(one);
  work(300);
  await pace(never);
  expect(rested()).toBe(100);
  load.others = 2; // somebody comes
  for (let i = 0; i < 33; i++) {
    work(300);
    await pace(never);
  }
  expect(rested()).toBe(0);
  work(300);
  await pace(never);
  expect(rested()).toBe(600);
});

test.each([
  ['a processor is free', { others: 0.2 }, 300],
  ['the system does not tell', { tells: false }, 300],
  ['too little was done to be seen', {}, 60],
])('it goes on where %s', async (_why, load, ms) => {
  const { one, work, rested } = machine(load);
  const pace = unhurried(one);
  work(ms);
  await pace(never);
  expect(rested()).toBe(0);
});

test('who comes while it rests waits for the same rest, and one that is given up holds nobody up', async () => {
  const { one, work, rested } = machine();
  const pace = unhurried(one);
  work(300);
  await Promise.all([pace(never), pace(never)]);
  expect(rested()).toBe(600);
  work(300);
  const given = new AbortController();
  given.abort(new Error('given up'));
  const [first, second] = await Promise.allSettled([pace(given.signal), pace(never)]);
  expect(first).toMatchObject({ status: 'rejected', reason: { message: 'given up' } });
  expect(second.status).toBe('fulfilled');
  expect(rested()).toBe(600);
});

test('of this machine it knows the processors, and a rest that is given up ends with the reason', async () => {
  const before = THIS_MACHINE.processors();
  const since = THIS_MACHINE.now();
  await THIS_MACHINE.wait(200, never);
  const [after, ms] = [THIS_MACHINE.processors(), THIS_MACHINE.now() - since];
  expect(ms).toBeGreaterThan(190);
  const all = (after.all - before.all) / (ms * cpus().length); // of a second of each processor, all is told
  expect(all).toBeGreaterThan(0.5);
  expect(all).toBeLessThan(2);
  expect(after.busy - before.busy).toBeLessThanOrEqual(after.all - before.all);
  const given = new AbortController();
  const resting = THIS_MACHINE.wait(60_000, given.signal);
  given.abort(new Error('given up'));
  await expect(resting).rejects.toThrow('given up');
});
