import { expect, test } from 'vitest';
import { trustIn } from '../../../../../workers/training/fusion/evidence.ts';

test('two hundred choices of people weigh as much as all that the catalog says, of which identities are half', () => {
  const trust = (choices: number) => trustIn({ structure: [0], identity: [0], people: [0], choices });
  expect(trust(200)).toEqual({ structure: 0.25, identity: 0.25, people: 0.5 });
  expect(trust(600)).toEqual({ structure: 0.125, identity: 0.125, people: 0.75 });
});
