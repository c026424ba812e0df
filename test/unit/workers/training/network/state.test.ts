import { expect, test } from 'vitest';
import { decodeState, encodeState, freshState } from '../../../../../workers/training/network/state.ts';

test('the best look so far comes back with its error, also one of which nobody knows it', () => {
  for (const error of [0.01, Number.POSITIVE_INFINITY]) {
    const state = { ...freshState('rank', {}, 10), best: { precision: 0.7, error, step: 4, weights: {} } };
    expect(decodeState(encodeState(state, 'x'), 'x')?.best).toEqual(state.best);
  }
});
