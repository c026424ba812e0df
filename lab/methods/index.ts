import { encoders } from './encoder.ts';
import { controls, features } from './features.ts';
import { golden } from './golden.ts';
import type { Method } from './method.ts';
import { networks, outOfClassSweep, served } from './networks.ts';
import { oasisOnFeatures, oasisOnSingleScale } from './oasis.ts';
import { singleScaleWithFeatures } from './with-features.ts';

/** The rows of the table, in its order: controls, the paper's table 1, its table 2, and what Simili serves. */
const table: readonly Method[] = [
  ...[...controls, ...features, oasisOnFeatures, golden, ...encoders],
  ...[...networks, oasisOnSingleScale, singleScaleWithFeatures, served],
];

const sweep = outOfClassSweep.map(({ method }) => method).filter((method) => !table.includes(method));
const byName = new Map([...table, ...sweep].map((method) => [method.name, method]));
/** `sweep`: the paper's figure 6, a training for each share. */
export const methodNames: readonly string[] = [...table.map(({ name }) => name), 'sweep'];

/** @param names of `methodNames`; []: all of the table, without the sweep. */
export function methodsNamed(names: readonly string[]): Method[] {
  if (names.length === 0) return [...table];
  const wanted = new Set(names.flatMap((name) => (name === 'sweep' ? sweep.map((method) => method.name) : [name])));
  return [...byName.values()].filter(({ name }) => wanted.has(name));
}
