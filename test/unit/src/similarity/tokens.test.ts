import fc from 'fast-check';
import { expect, test } from 'vitest';
import { makeCursor, readCursor } from '../../../../src/similarity/cursor.ts';
import { drawOf, makeNonce, positionOf, signList, verifyList } from '../../../../src/similarity/recommendation-id.ts';
import { seal, unseal } from '../../../../src/similarity/sealed-token.ts';

const key = 'a key of at least thirty-two characters';
const issuedAt = new Date('2026-03-01T12:00:00Z');
const list = { anchorId: 'a', modelId: 'mdl_1', firstPosition: 13, itemIds: ['x', 'y'], issuedAt, filtered: true };
const DAY = 86_400_000;

test('what was sealed comes back, under the same key and purpose only', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (payload) => {
      const token = seal(key, 'cursor', payload);
      expect(token).toMatch(/^[A-Za-z0-9_-]+$/);
      expect(unseal(key, 'cursor', token)).toEqual(JSON.parse(JSON.stringify(payload)));
      expect(unseal(key, 'list', token)).toBeNull();
      expect(unseal(`${key}!`, 'cursor', token)).toBeNull();
    }),
  );
});

test('a sealed text with any one character changed, added or taken away is refused', () => {
  const token = seal(key, 'list', ['a', 1]);
  const changed = fc.record({ at: fc.nat(token.length - 1), to: fc.constantFrom(...'ABCxyz019-_') });
  fc.assert(
    fc.property(changed, ({ at, to }) => {
      fc.pre(token[at] !== to);
      expect(unseal(key, 'list', token.slice(0, at) + to + token.slice(at + 1))).toBeNull();
      expect(unseal(key, 'list', token.slice(0, at) + token.slice(at + 1))).toBeNull();
      expect(unseal(key, 'list', token.slice(0, at) + to + token.slice(at))).toBeNull();
    }),
  );
});

test.each(['', ' ', 'x', '====', 'null', 'AAAAAAAAAAAAAAAAAAAAAA', '💥', '\0'])('%j is no sealed text', (token) => {
  expect(unseal(key, 'list', token)).toBeNull();
});

test('a cursor names its place in the list of its own anchor only', () => {
  const place = { modelId: 'mdl_1', anchorId: 'a', position: 12, l2: 0.1 + 0.2, productId: 'x', skip: 0 };
  const cursor = makeCursor(key, place);
  expect(readCursor(key, cursor, 'a')).toEqual(place);
  expect(readCursor(key, makeCursor(key, { ...place, skip: 7 }), 'a')).toEqual({ ...place, skip: 7 });
  expect(() => readCursor(key, cursor, 'b')).toThrow(expect.objectContaining({ code: 'CURSOR_INVALID' }));
  expect(() => readCursor(key, signList(key, list), 'a')).toThrow(expect.objectContaining({ code: 'CURSOR_INVALID' }));
});

test('a list comes back with its positions', () => {
  const read = verifyList(key, signList(key, list), issuedAt);
  const expiresAt = new Date(issuedAt.getTime() + 7 * DAY);
  expect(read).toEqual({
    ...list,
    placement: 'default',
    exploration: { share: 0, swapped: 0 },
    expiresAt,
    listId: expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
  });
  expect(positionOf(read, 'x')).toBe(13);
  expect(positionOf(read, 'y')).toBe(14);
  expect(positionOf(read, 'z')).toBeNull();
});

test('a list comes back with its placement, exploring or not; of `default` nothing is written', () => {
  const nonce = Buffer.from('abcdef');
  for (const exploration of [undefined, { share: 0.03, swapped: 14 }]) {
    const own = { ...list, ...(exploration && { exploration }) };
    const placed = verifyList(key, signList(key, { ...own, placement: 'cart' }, nonce), issuedAt);
    expect(placed).toMatchObject({ ...list, placement: 'cart', exploration: exploration ?? { share: 0, swapped: 0 } });
    expect(signList(key, { ...own, placement: 'default' }, nonce)).toBe(signList(key, own, nonce));
  }
  const before = { anchorId: 'a', modelId: 'm1', firstPosition: 1, itemIds: ['x', 'y'], filtered: false };
  const exploration = { share: 0.03, swapped: 1 };
  const token = signList('k'.repeat(32), { ...before, issuedAt: new Date('2026-01-01T00:00:00Z'), exploration }, nonce);
  expect(token).toBe('ZdWI5oqlYcYpwm0w7lLndFsxNzY3MjI1NjAwLCJhIiwibTEiLDEsWyJ4IiwieSJdLDAsIllXSmpaR1ZtIiwwLjAzLDFd');
});

test('no two lists are the same, however alike; one sent twice is', () => {
  const [one, two] = [signList(key, list), signList(key, list)];
  const idOf = (token: string) => verifyList(key, token, issuedAt).listId;
  expect(idOf(one)).toBe(idOf(one));
  expect(idOf(one)).not.toBe(idOf(two));
});

test('a list of an older server is read, as one without filters', () => {
  const old = seal(key, 'simili list 1', [issuedAt.getTime() / 1000, 'a', 'mdl_1', 13, ['x', 'y']]);
  expect(verifyList(key, old, issuedAt)).toMatchObject({ ...list, filtered: false });
});

test('a list is good for 7 days and not for a second more', () => {
  const token = signList(key, list);
  const after = (ms: number) => new Date(issuedAt.getTime() + ms);
  expect(verifyList(key, token, after(7 * DAY)).itemIds).toEqual(['x', 'y']);
  expect(() => verifyList(key, token, after(7 * DAY + 1000))).toThrow(
    expect.objectContaining({ code: 'RECOMMENDATION_EXPIRED' }),
  );
});

test('a forged list is refused', () => {
  const forged = signList('another key of at least thirty-two chars', list);
  expect(() => verifyList(key, forged, issuedAt)).toThrow(expect.objectContaining({ code: 'RECOMMENDATION_INVALID' }));
});

test('a list of 12 items with ids of 12 characters stays under 400 characters', () => {
  const itemIds = Array.from({ length: 12 }, (_, i) => `product-${1000 + i}`);
  const modelId = 'mdl_2f0c5a0e-7d5f-4a57-8a38-3d8b5a1c9e11';
  expect(signList(key, { ...list, modelId, itemIds }).length).toBeLessThan(400);
});

test('a nonce is 48 bits, each as often 0 as 1, and no two are alike: what it draws is anywhere from 0 to 1', () => {
  const MANY = 4000;
  const nonces = Array.from({ length: MANY }, makeNonce);
  expect(nonces.every(({ length }) => length === 6)).toBe(true);
  expect(new Set(nonces.map((nonce) => nonce.toString('hex'))).size).toBe(MANY);
  for (let bit = 0; bit < 48; bit++) {
    const ones = nonces.filter((nonce) => (nonce[bit >> 3]! >> (bit & 7)) & 1).length;
    expect(Math.abs(ones / MANY - 0.5)).toBeLessThan(0.05); // six standard deviations
  }
  const draws = nonces.map(drawOf);
  expect(draws.every((draw) => draw >= 0 && draw < 1)).toBe(true);
  for (let tenth = 0; tenth < 10; tenth++) {
    const share = draws.filter((draw) => Math.floor(10 * draw) === tenth).length / MANY;
    expect(Math.abs(share - 0.1)).toBeLessThan(0.03);
  }
});
