import { elements, PROXIES, weightShapes } from './shapes.ts';
import type { NetworkSpec, Weights } from './spec.ts';

/**
 * Weights of an untrained network (He et al. 2015): kernels normal with variance 2 / fan in, 1 / fan in for the linear
 * embedding; scales and variances 1; biases and means 0; proxies about as long as the unit vectors that they stand among. A path's last kernel may be linear too, but its scale is lost in
 * the L2 norm that follows.
 * @param random `gaussian()`: independent standard normal values, drawn in the order of `weightShapes`.
 */
export function initialWeights(spec: NetworkSpec, random: { gaussian(): number }): Weights {
  const weights: Weights = {};
  for (const [name, shape] of Object.entries(weightShapes(spec))) {
    const data = new Float32Array(elements(shape));
    if (name.endsWith('.kernel')) {
      const fanIn = elements(shape.slice(0, -1));
      const deviation = Math.sqrt((name === 'embedding.kernel' ? 1 : 2) / fanIn);
      for (let i = 0; i < data.length; i++) data[i] = deviation * random.gaussian();
    } else if (name === PROXIES) {
      for (let i = 0; i < data.length; i++) data[i] = random.gaussian() / Math.sqrt(spec.embedding);
    } else if (name.endsWith('.scale') || name.endsWith('.variance')) data.fill(1);
    weights[name] = { shape, data };
  }
  return weights;
}
