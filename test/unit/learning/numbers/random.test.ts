import { expect, test } from 'vitest';
import { makeRandom } from '../../../../learning/numbers/random.ts';

test('a restored generator continues bit for bit, gaussians included', () => {
  const random = makeRandom(7);
  for (let i = 0; i < 11; i++) random.gaussian();
  const state = random.state();
  const draw = () => Array.from({ length: 50 }, () => [random.next(), random.gaussian(), random.int(10)]);
  const first = draw();
  random.restore(JSON.parse(JSON.stringify(state)));
  expect(draw()).toEqual(first);
  const other = makeRandom(8);
  other.restore(state);
  expect([other.next(), other.gaussian(), other.int(10)]).toEqual(first[0]);
});

test('the words are those of sfc32, written again with 64-bit integers', () => {
  let [a, b, c, counter] = [0n, 0n, 5n, 1n];
  const mask = 0xffffffffn;
  const word = () => {
    const sum = (a + b + counter) & mask;
    counter = (counter + 1n) & mask;
    a = b ^ (b >> 9n);
    b = (c + (c << 3n)) & mask;
    c = ((((c << 21n) | (c >> 11n)) & mask) + sum) & mask;
    return sum;
  };
  for (let i = 0; i < 15; i++) word();
  const random = makeRandom(5);
  for (let i = 0; i < 100; i++) {
    const bits = ((word() >> 5n) << 26n) | (word() >> 6n);
    expect(random.next()).toBe(Number(bits) / 2 ** 53);
  }
});

test('uniform, integer and normal draws have the moments of their laws', () => {
  const random = makeRandom(3);
  const n = 100_000;
  const uniform = Array.from({ length: n }, () => random.next());
  const normal = Array.from({ length: n }, () => random.gaussian());
  const moment = (values: number[], k: number) => values.reduce((sum, value) => sum + value ** k, 0) / n;
  expect([moment(uniform, 1), moment(uniform, 2)].map((value) => Math.round(value * 100))).toEqual([50, 33]);
  expect(Math.abs(moment(normal, 1))).toBeLessThan(0.015);
  expect(Math.abs(moment(normal, 2) - 1)).toBeLessThan(0.025);
  expect(Math.abs(moment(normal, 4) - 3)).toBeLessThan(0.2);
  const counts = new Array<number>(10).fill(0);
  for (let i = 0; i < n; i++) counts[random.int(10)]!++;
  const chiSquare = counts.reduce((sum, count) => sum + (count - n / 10) ** 2 / (n / 10), 0);
  expect(chiSquare).toBeLessThan(27.9); // 9 degrees of freedom, p = 0.001
});

test('neighbouring seeds give different streams, and what is no state is refused', () => {
  expect(new Set(Array.from({ length: 1000 }, (_, seed) => makeRandom(seed).next())).size).toBe(1000);
  expect(() => makeRandom(1).restore([1, 2, 3])).toThrow('four uint32');
  expect(() => makeRandom(1).restore([1, 2, 3, -1])).toThrow('four uint32');
});
