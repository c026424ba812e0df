import { expect, test } from 'vitest';
import { makePictureToken, readPictureToken } from '../../../../src/similarity/picture-token.ts';
import { SIGNING_KEY } from '../../../support/api.ts';

const now = new Date('2026-11-28T00:00:00Z');
const later = (minutes: number) => new Date(now.getTime() + minutes * 60_000);
const seen = { modelId: 'mdl_1', vector: Float32Array.from([0.1, -0.2, Math.fround(1e-9), 0.9]) };

test('a token holds the vector to the bit, and the version that has seen the picture', () => {
  const token = makePictureToken(SIGNING_KEY, seen, now);
  expect(readPictureToken(SIGNING_KEY, token, later(60))).toEqual(seen);
  expect(token).toMatch(/^[\w-]+$/);
});

test('it is taken for an hour, from whoever has made it', () => {
  const token = makePictureToken(SIGNING_KEY, seen, now);
  expect(() => readPictureToken(SIGNING_KEY, token, later(60.1))).toThrow(/over an hour old/);
  const changed = `${token.slice(0, -4)}AAAA`;
  for (const [key, other] of [
    [`${SIGNING_KEY}!`, token],
    [SIGNING_KEY, changed],
    [SIGNING_KEY, ''],
    [SIGNING_KEY, 'x'],
  ])
    expect(() => readPictureToken(key!, other!, now)).toThrow(
      expect.objectContaining({ code: 'PICTURE_TOKEN_INVALID' }),
    );
});
