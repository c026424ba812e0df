import { expect, test } from 'vitest';
import { encoderReason } from '../../../../src/jobs/encoder-state.ts';

const eye = { id: 'eye-2', title: 'An eye' };
const version = (id: string, encoder: string | null) => ({
  id,
  metrics: encoder === null ? {} : { training: { encoder: { id: encoder } } },
});
const trained = (encoder: string | null, { name = undefined as string | undefined, serves = 'm' } = {}) => ({
  serving: version(serves, encoder),
  last: version('m', encoder),
  asked: { request: name === undefined ? {} : { encoder: name } },
});
const here = { configured: eye, lost: null };

test('an encoder that is another than the last training had asks for one, and so does one that is gone', () => {
  expect(encoderReason(here, trained('eye-2'))).toBeNull();
  const another = 'another encoder looks at pictures than the last training had (An eye)';
  expect(encoderReason(here, trained('eye-1'))).toBe(another);
  expect(encoderReason(here, trained(null))).toBe(another);
  expect(encoderReason({ configured: null, lost: null }, trained(null))).toBeNull();
  expect(encoderReason({ configured: null, lost: null }, trained('eye-1'))).toBe(
    'no encoder looks at pictures any more',
  );
  expect(encoderReason({ ...here, lost: 'm' }, trained('eye-1'))).toBe(
    `${another}, and without that one new products get no vectors`,
  );
});

test('one that somebody asked for by name stays as long as it is there', () => {
  const byName = trained('other-1', { name: 'other' });
  expect(encoderReason(here, byName)).toBeNull();
  expect(encoderReason({ ...here, lost: 'm' }, byName)).toContain('new products get no vectors');
});

test('whoever rolled back to a version whose encoder is gone is not overruled by the same training again', () => {
  const rolledBack = { ...trained('eye-2'), serving: version('old', 'eye-1') };
  expect(encoderReason({ ...here, lost: 'old' }, rolledBack)).toBeNull();
});

test('what is lost of a version that serves no more asks for nothing, nor does a shop without a version', () => {
  expect(encoderReason({ ...here, lost: 'm' }, trained('other-1', { name: 'other', serves: 'n' }))).toBeNull();
  expect(encoderReason(here, { serving: null, last: null, asked: null })).toBeNull();
});
