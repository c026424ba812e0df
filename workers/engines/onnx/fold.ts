import { normEpsilon } from '@simili/learning/network/normalise';
import { elements } from '@simili/learning/network/shapes';
import type { Layer, NetworkSpec, Tensor, Weights } from '@simili/learning/network/spec';

export type Folded = { readonly spec: NetworkSpec; readonly weights: Weights };

/**
 * A network for embedding only that gives the same vectors with less work: dropout is gone, and a batch normalisation
 * directly behind a convolution or dense layer has become part of its kernel and bias. One that stands elsewhere stays,
 * with the running statistics in its scale and bias: x' = scale x + bias.
 */
export function fold(spec: NetworkSpec, weights: Weights): Folded {
  const folded: Weights = { ...weights };
  const branches = spec.branches.map(({ paths }) => ({
    paths: paths.map((path) => ({ ...path, layers: foldLayers(path.name, path.layers, folded) })),
  }));
  return { spec: { ...spec, branches }, weights: folded };
}

/** Changes `weights` for the layers that stay. */
function foldLayers(path: string, layers: readonly Layer[], weights: Weights): Layer[] {
  const kept: Layer[] = [];
  for (const layer of layers.filter(({ type }) => type !== 'dropout')) {
    const before = kept.at(-1);
    if (layer.type === 'residual') kept.push({ ...layer, layers: foldLayers(path, layer.layers, weights) });
    else if (layer.type !== 'batchNorm') kept.push(layer);
    else {
      const line = lineOf(`${path}.${layer.name}`, weights);
      if (before?.type === 'conv' || before?.type === 'dense') scaleOutputs(`${path}.${before.name}`, line, weights);
      else kept.push(layer);
    }
  }
  return kept;
}

/** A normalisation with fixed statistics, x' = scale x + bias, which replaces its weights. */
function lineOf(prefix: string, weights: Weights): Record<'scale' | 'bias', Tensor> {
  const of = (kind: string) => weights[`${prefix}.${kind}`] as Tensor;
  const { shape } = of('scale');
  const value = (kind: string, channel: number) => of(kind).data[channel] as number;
  const scales = of('scale').data.map((scale, c) => scale / Math.sqrt(value('variance', c) + normEpsilon));
  const biases = of('bias').data.map((bias, c) => bias - value('mean', c) * (scales[c] as number));
  const line = { scale: { shape, data: scales }, bias: { shape, data: biases } };
  for (const kind of ['scale', 'bias'] as const) weights[`${prefix}.${kind}`] = line[kind];
  return line;
}

/** The last axis of a kernel is its outputs. */
function scaleOutputs(prefix: string, { scale, bias }: Record<'scale' | 'bias', Tensor>, weights: Weights): void {
  const outputs = elements(scale.shape);
  const kernel = weights[`${prefix}.kernel`] as Tensor;
  const own = weights[`${prefix}.bias`] as Tensor;
  const factor = (output: number) => scale.data[output] as number;
  const kernels = kernel.data.map((value, i) => value * factor(i % outputs));
  const biases = own.data.map((value, i) => value * factor(i) + (bias.data[i] as number));
  weights[`${prefix}.kernel`] = { shape: kernel.shape, data: kernels };
  weights[`${prefix}.bias`] = { shape: own.shape, data: biases };
}
