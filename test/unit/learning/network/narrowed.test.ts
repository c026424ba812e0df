import { expect, test } from 'vitest';
import { narrowed } from '../../../../learning/network/narrowed.ts';
import { presetNamed } from '../../../../learning/network/presets.ts';
import { describeNetwork } from '../../../../learning/network/shapes.ts';

const filtersOf = (spec: ReturnType<typeof presetNamed>) =>
  spec.branches.flatMap(({ paths }) =>
    paths.flatMap(({ layers }) => layers.flatMap((layer) => (layer.type === 'conv' ? [layer.filters] : []))),
  );

test('half of the channels are a third of the work, in multiples of 16, and the same embedding from the same pictures', () => {
  const whole = presetNamed('small');
  const half = narrowed(whole, 0.5);
  expect(filtersOf(whole)).toEqual([96, 192, 256, 32, 32]);
  expect(filtersOf(half)).toEqual([48, 96, 128, 16, 16]);
  expect(filtersOf(narrowed(whole, 0.01))).toEqual([16, 16, 16, 16, 16]);
  expect(half).toMatchObject({ inputSize: 64, embedding: 128 });
  const work = describeNetwork(half).flopsPerPicture / describeNetwork(whole).flopsPerPicture;
  expect(work > 0.2 && work < 0.4).toBe(true);
  expect(narrowed(whole, 1)).toBe(whole);
});

test('a network with residual blocks is refused', () => {
  expect(() => narrowed(presetNamed('standard'), 0.5)).toThrow('Network standard has residual blocks');
});
