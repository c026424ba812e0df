import { expect, test } from 'vitest';
import type { Weights } from '../../../../learning/network/spec.ts';
import {
  clipGradients,
  learningRate,
  makeNesterov,
  trackStatistics,
  zerosLike,
} from '../../../../learning/optimiser/optimiser.ts';

const vector = (...values: number[]) => ({ shape: [values.length], data: Float32Array.from(values) });

test('follows Nesterov as the paper has it: gradients at W + mu v, then W + v', () => {
  const [mu, lambda, rate] = [0.9, 0.01, 0.1];
  const curvature = [1, 4];
  // The definition, in doubles, for the loss 1/2 sum c (w - 1)^2 + lambda ||w||^2.
  const w = [3, -2];
  const v = [0, 0];
  const x: Weights = { 'a.kernel': vector(...w) };
  const velocity = zerosLike(x);
  const nesterov = makeNesterov({ momentum: mu, weightDecay: lambda });
  for (let step = 0; step < 30; step++) {
    const data = x['a.kernel']!.data;
    nesterov.step(x, velocity, { 'a.kernel': vector(...curvature.map((c, i) => c * (data[i]! - 1))) }, rate);
    for (let i = 0; i < 2; i++) {
      const ahead = w[i]! + mu * v[i]!;
      v[i] = mu * v[i]! - rate * (curvature[i]! * (ahead - 1) + 2 * lambda * ahead);
      w[i] = w[i]! + v[i]!;
      expect(velocity['a.kernel']!.data[i]).toBeCloseTo(v[i]!, 4);
      expect(x['a.kernel']!.data[i]).toBeCloseTo(w[i]! + mu * v[i]!, 4);
    }
  }
});

test('decay pulls kernels and leaves biases alone', () => {
  const weights: Weights = { 'a.b.kernel': vector(2), 'a.b.bias': vector(2) };
  makeNesterov({ momentum: 0, weightDecay: 0.25 }).step(weights, zerosLike(weights), zerosLike(weights), 0.5);
  expect([weights['a.b.kernel']!.data[0], weights['a.b.bias']!.data[0]]).toEqual([1.5, 2]);
});

test('scales and shifts of a batch normalisation do not decay, and its running statistics are not trained', () => {
  const weights: Weights = { 'a.scale': vector(2), 'a.bias': vector(2), 'a.mean': vector(2), 'a.variance': vector(2) };
  const gradients: Weights = { 'a.scale': vector(1), 'a.bias': vector(1) };
  makeNesterov({ momentum: 0, weightDecay: 0.25 }).step(weights, zerosLike(weights), gradients, 0.5);
  expect(Object.values(weights).map(({ data }) => data[0])).toEqual([1.5, 1.5, 2, 2]);
});

test('running statistics are the mean of the first batches, then forget the past by a twentieth a step', () => {
  const weights: Weights = { 'a.mean': vector(7) };
  [1, 2, 3, 6].forEach((value, step) => {
    trackStatistics(weights, { 'a.mean': vector(value) }, step);
  });
  expect(weights['a.mean']!.data[0]).toBeCloseTo(3, 6);
  trackStatistics(weights, { 'a.mean': vector(23) }, 1000);
  expect(weights['a.mean']!.data[0]).toBeCloseTo(0.95 * 3 + 0.05 * 23, 5);
});

test('a gradient that is missing or too short is refused', () => {
  const weights: Weights = { 'a.kernel': vector(1, 2) };
  const nesterov = makeNesterov({ momentum: 0, weightDecay: 0 });
  expect(() => nesterov.step(weights, zerosLike(weights), {}, 1)).toThrow('a.kernel has no values');
  expect(() => nesterov.step(weights, zerosLike(weights), { 'a.kernel': vector(1) }, 1)).toThrow(
    '1 values instead of 2',
  );
});

test('gradients are scaled together to the limit, or left', () => {
  const gradients: Weights = { a: vector(3), b: vector(0, 4) };
  expect(clipGradients(gradients, 5)).toBe(5);
  expect([...gradients.a!.data, ...gradients.b!.data]).toEqual([3, 0, 4]);
  expect(clipGradients(gradients, 1)).toBe(5);
  expect([...gradients.a!.data, ...gradients.b!.data]).toEqual([0.6, 0, 0.8].map(Math.fround));
  for (const length of [1, 3, 4, 7]) {
    const ones: Weights = { a: vector(...Array<number>(length).fill(1)) };
    expect(clipGradients(ones, 0.5)).toBe(Math.sqrt(length));
  }
  const broken: Weights = { a: vector(1, Number.NaN) };
  expect(clipGradients(broken, 1)).toBeNaN();
  expect(broken.a!.data[0]).toBe(1);
  expect(clipGradients({ a: vector(Number.POSITIVE_INFINITY) }, 1)).toBe(Number.POSITIVE_INFINITY);
});

test('the rate warms up straight to the peak and falls as a cosine to 0', () => {
  const rate = (progress: number) => learningRate(progress, { peak: 2, warmUp: 0.2 });
  expect([0, 0.1, 0.2, 0.6, 1].map(rate)).toEqual([0.2, 1.1, 2, 1, 0].map((value) => expect.closeTo(value, 12)));
  expect(learningRate(0, { peak: 2, warmUp: 0 })).toBe(2);
});
