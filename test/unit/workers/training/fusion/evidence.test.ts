import { expect, test } from 'vitest';
import { trustIn } from '../../../../../workers/training/fusion/evidence.ts';

test('two hundred choices of people weigh as much as all that the catalog says, of which identities are half', () => {
  const trust = (choices: number) => trustIn({ structure: [0], identity: [0], people: [0], choices });
  expect(trust(200)).toEqual({ structure: 0.25, identity: 0.25, people: 0.5 });
  expect(trust(600)).toEqual({ structure: 0.125, identity: 0.125, people: 0.75 });
});

test('a kind without triplets has no weight, and what others do not have goes to those of the catalog alone', () => {
  const trust = (of: Partial<Record<'structure' | 'identity' | 'people', number[]>>, choices = 0) =>
    trustIn({ structure: [], identity: [], people: [], ...of, choices });
  expect(trust({})).toEqual({ structure: 0, identity: 0, people: 0 });
  expect(trust({ people: [0] }, 200)).toEqual({ structure: 0, identity: 0, people: 0.5 });
  expect(trust({ structure: [0], people: [0] }, 200)).toEqual({ structure: 0.5, identity: 0, people: 0.5 });
  expect(trust({ identity: [0] })).toEqual({ structure: 0, identity: 1, people: 0 });
});
