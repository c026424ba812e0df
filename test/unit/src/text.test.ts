import { expect, test } from 'vitest';
import { isStorable, lengthOf } from '../../../src/text.ts';

test.each([
  ['', 0],
  ['mug', 3],
  ['é', 1],
  ['e\u0301', 2],
  ['😀'.repeat(600), 600],
  ['a😀b\ud83d', 4],
])('%j has %i characters', (text, characters) => {
  expect(lengthOf(text)).toBe(characters);
});

test('text with U+0000 or half of a surrogate pair cannot be stored', () => {
  expect(['mug', '😀', '\ufffd', ''].every(isStorable)).toBe(true);
  expect(['a\0', '\ud83d', 'a\ude00b', '\ude00\ud83d'].some(isStorable)).toBe(false);
});
