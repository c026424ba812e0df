import { expect, test } from 'vitest';
import type { PictureAnswer } from '../../../../src/db/picture-queries.ts';
import { startDeadline, timeLeft, within } from '../../../../src/deadline.ts';
import { lookAtPicture } from '../../../../src/similarity/look-at-picture.ts';

type State = { admits?: boolean; taken?: boolean; busy?: boolean };

/** A mailbox whose answer is there at the third look; null: never. */
function world(answer: PictureAnswer | null, { admits = true, taken = false, busy = false }: State = {}) {
  const did: string[] = [];
  let looks = 0;
  const deps = {
    catalog: 'default',
    pictureQueries: {
      async add(_id: string, modelId: string, _picture: object, bounds: { mostWaiting: number }) {
        did.push(`add ${modelId} beside at most ${bounds.mostWaiting}`);
        return admits;
      },
      async collect() {
        timeLeft();
        return ++looks < 3 ? null : answer;
      },
      async leave() {
        timeLeft();
        did.push('leave');
        return { taken, busy };
      },
    },
    queue: {
      async add(name: string, payload: object, key?: string) {
        did.push(`wake ${name}, ${(payload as { id: string }).id === key ? 'by its id' : ''}`);
      },
      withdraw: async (name: string) => void did.push(`withdraw ${name}`),
    },
  };
  return { did, look: () => lookAtPicture(deps, 'mdl_1', { url: 'https://shop.test/a.jpg' }, answer ? 5000 : 40) };
}

test('a picture is put down, a worker is woken, and its vector comes back', async () => {
  const { did, look } = world({ vector: Float32Array.of(1, 0) });
  expect(await look()).toEqual(Float32Array.of(1, 0));
  expect(did).toEqual(['add mdl_1 beside at most 16', 'wake picture, by its id']);
});

test('what a worker says is wrong with it is the error, with its code; what no worker may say is none of the caller', async () => {
  const failed = (code: string, facts: object) => world({ code, facts }).look();
  const facts = { source: 'the picture', why: 'it is no picture' };
  await expect(failed('IMAGE_UNREADABLE', facts)).rejects.toMatchObject({ code: 'IMAGE_UNREADABLE', facts });
  await expect(failed('PICTURES_UNAVAILABLE', { why: 'x' })).rejects.toMatchObject({ code: 'PICTURES_UNAVAILABLE' });
  await expect(failed('DATABASE_UNSUITABLE', { why: 'x' })).rejects.not.toHaveProperty('code');
});

test('too many that wait is busy at once; nobody is woken', async () => {
  const { did, look } = world(null, { admits: false });
  await expect(look()).rejects.toMatchObject({ code: 'PICTURES_BUSY', extensions: { retryAfter: 2 } });
  expect(did).toHaveLength(1);
});

test.each([
  ['no worker takes', { taken: false, busy: false }, 'PICTURES_UNAVAILABLE'],
  ['workers take others meanwhile', { taken: false, busy: true }, 'PICTURES_BUSY'],
])('where %s it is told, and its message is taken back', async (_name, state, code) => {
  const { did, look } = world(null, state);
  await expect(look()).rejects.toMatchObject({ code, retry: true });
  expect(did).toContain('withdraw picture');
});

test('one that was taken and not answered is over its time', async () => {
  const { did, look } = world(null, { taken: true });
  await expect(look()).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  expect(did).not.toContain('withdraw picture');
});

test('whoever leaves takes the picture along: it keeps nobody else from the queue', async () => {
  const { did, look } = world({ vector: Float32Array.of(1, 0) });
  const left = startDeadline({ statementMs: 60_000, requestMs: 60_000 }, AbortSignal.abort());
  await expect(within(left, look)).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  expect(did.at(-1)).toBe('leave');
});
