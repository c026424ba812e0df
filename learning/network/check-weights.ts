import { elements, weightShapes } from './shapes.ts';
import type { NetworkSpec, Weights } from './spec.ts';

/** @throws Error that names the first weight which is missing, unknown or of another shape than the spec says. */
export function checkWeights(spec: NetworkSpec, weights: Weights): void {
  const shapes = weightShapes(spec);
  for (const [name, shape] of Object.entries(shapes)) {
    const weight = weights[name];
    if (!weight) throw new Error(`Network ${spec.name} needs a weight ${name}`);
    if (`${weight.shape}` !== `${shape}` || weight.data.length !== elements(shape)) {
      throw new Error(
        `Weight ${name} is [${weight.shape}] with ${weight.data.length} values; network ${spec.name} has [${shape}]`,
      );
    }
  }
  const unknown = Object.keys(weights).find((name) => !(name in shapes));
  if (unknown !== undefined) throw new Error(`Network ${spec.name} has no weight ${unknown}`);
}
