import type { BranchShape, PathShape } from '@simili/learning/network/shapes';
import { describeNetwork } from '@simili/learning/network/shapes';
import type { NetworkSpec } from '@simili/learning/network/spec';
import type { Value } from './graph.ts';
import { linear, vector } from './layers/dense.ts';
import { flatten, unflatten } from './layers/feature-map.ts';
import { l2Norm } from './layers/l2-norm.ts';
import { path } from './layers/path.ts';
import type { Site } from './layers/stage.ts';

/** Inputs of a network. */
export type Inputs = {
  /** [N, S, S, 3] */
  readonly pictures: Value;
  /** Declares the output [N, length] of a path's backbone. */
  readonly features: (path: string, length: number) => Value;
};

/** A part of the network: rows [N, n], and the gradients of all weights in it given the gradient by these rows. */
type Part = {
  readonly output: Value;
  weightGradients(gradient: Value): Record<string, Value>;
};

/** The whole network: its linear embedding [N, D] before the last norm, and after. */
export function network(site: Site, spec: NetworkSpec, inputs: Inputs) {
  const { graph } = site;
  const shape = [spec.inputSize, spec.inputSize, 3] as const;
  const pictures = { value: graph.transpose(inputs.pictures, [0, 3, 1, 2]), shape, block: 1 };
  const build = (each: PathShape): Part => {
    const { backbone, name } = each.path;
    const source = backbone ? vector(graph, inputs.features(name, backbone.length), backbone.length) : pictures;
    const stage = path(site, each, source);
    const { block, shape } = stage.output;
    return {
      output: flatten(graph, stage.output),
      weightGradients: (gradient) => stage.backward?.(unflatten(graph, gradient, shape, block)).weights ?? {},
    };
  };
  const joined = join(site, describeNetwork(spec).branches, (shape) => branch(site, shape, build));
  const embedding = linear(site, 'embedding', joined.output);
  const unit = l2Norm(graph, embedding.output);
  const byLinear = (gradient: Value): Record<string, Value> => {
    const back = embedding.backward(gradient);
    return { ...joined.weightGradients(back.input), ...back.weights };
  };
  return {
    linear: { output: embedding.output, weightGradients: byLinear },
    unit: { output: unit.output, weightGradients: (gradient: Value) => byLinear(unit.backward(gradient)) },
  } satisfies Record<string, Part>;
}

function branch(site: Site, { paths }: BranchShape, build: (shape: PathShape) => Part): Part {
  const joined = join(site, paths, build);
  const unit = l2Norm(site.graph, joined.output);
  return { output: unit.output, weightGradients: (gradient) => joined.weightGradients(unit.backward(gradient)) };
}

/** Parts side by side along axis 1. */
function join<S extends { readonly length: number }>(
  { graph }: Site,
  shapes: readonly S[],
  build: (shape: S) => Part,
): Part {
  const parts = shapes.map(build);
  const outputs = parts.map((part) => part.output);
  return {
    output: graph.concat(outputs, 1),
    weightGradients: (gradient) => {
      let end = 0;
      const gradients = parts.map((part, i) => {
        const start = end;
        end += shapes[i]?.length ?? 0;
        return part.weightGradients(parts.length === 1 ? gradient : graph.slice(gradient, 1, start, end));
      });
      return Object.assign({}, ...gradients);
    },
  };
}
