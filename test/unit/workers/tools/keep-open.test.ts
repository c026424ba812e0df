import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { keepOpen } from '../../../../workers/tools/keep-open.ts';

/** Things that are named by what opened them, with what happened to them. */
function watched(most: number) {
  const told: string[] = [];
  const things = keepOpen<string>(most, async (name) => void told.push(`close ${name}`));
  const opening = (name: string) => async () => {
    told.push(`open ${name}`);
    return name;
  };
  const use = <R>(name: string, task: (item: string) => Promise<R>) => things.use(name, opening(name), task);
  return { told, things, use };
}
const nothing = async () => {};

test('a thing is opened once, and the one not used for longest goes', async () => {
  const { told, use } = watched(2);
  for (const name of ['a', 'b', 'a', 'c', 'a', 'b']) expect(await use(name, async (item) => item)).toBe(name);
  expect(told).toEqual(['open a', 'open b', 'open c', 'close b', 'open b', 'close c']);
});

test('what is used while it goes is closed when its last user is done, also one that fails', async () => {
  const { told, use } = watched(1);
  let resolve = () => {};
  const gate = new Promise<void>((done) => (resolve = done));
  const users = [use('a', () => gate), use('a', () => gate.then(() => Promise.reject(new Error('no'))))];
  await use('b', nothing);
  expect(told).toEqual(['open a', 'open b']);
  resolve();
  await Promise.allSettled(users);
  expect(told).toEqual(['open a', 'open b', 'close a']);
});

test('what does not open is tried again', async () => {
  const { told, things, use } = watched(1);
  const broken = () => Promise.reject(new Error('broken'));
  await expect(things.use('a', broken, nothing)).rejects.toThrow('broken');
  await use('a', nothing);
  expect(told).toEqual(['open a']);
});

test('what a task gave is not kept', async () => {
  const { use } = watched(1);
  const given = async () => new WeakRef(await use('a', async () => ({ rows: [1] })));
  const ref = await given();
  await use('a', nothing);
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  await new Promise(setImmediate); // what a WeakRef was made of lives until its turn of the loop ends
  collect();
  expect(ref.deref()).toBeUndefined();
});
