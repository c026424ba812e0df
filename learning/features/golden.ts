import type { Picture } from '../picture.ts';
import { type HandMade, handMadeFeatures } from './index.ts';

/** The order in which they are stored. */
const names = Object.keys(handMadeFeatures) as HandMade[];

/**
 * The hand-made features of a picture side by side, as they are stored: 2.8 KB of float16. The id names what is stored, and
 * what was stored under it never changes: it gets another number with any change of a feature or of their order.
 */
export const GOLDEN = {
  id: 'golden@1',
  dimensions: names.reduce((sum, name) => sum + handMadeFeatures[name].length, 0),
} as const;

/** [GOLDEN.dimensions] */
export function goldenOf(picture: Picture): Float32Array {
  const out = new Float32Array(GOLDEN.dimensions);
  for (const name of names) out.set(handMadeFeatures[name].extract(picture), goldenPlace(name).start);
  return out;
}

/** Where a feature is among them. */
export function goldenPlace(feature: HandMade): { readonly start: number; readonly length: number } {
  const before = names.slice(0, names.indexOf(feature));
  const start = before.reduce((sum, name) => sum + handMadeFeatures[name].length, 0);
  return { start, length: handMadeFeatures[feature].length };
}
