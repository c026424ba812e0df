import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { defineCommand } from 'citty';
import { SimiliError } from '../../../src/errors.ts';
import { initialWeights } from '../../../src/learning/network/initial-weights.ts';
import type { NetworkSpec } from '../../../src/learning/network/spec.ts';
import { makeRandom } from '../../../src/learning/random.ts';
import { type BackboneFile, backboneSpec, inspectBackbone } from '../../../workers/engines/backbone.ts';
import { openNetworkEngine } from '../../../workers/engines/open-network.ts';
import { presetOf } from './describe.ts';
import { describeForPeople } from './description.ts';

export const importBackbone = defineCommand({
  meta: {
    name: 'import',
    description: 'Check a pretrained ONNX network and show what it becomes in front of a preset (docs/models.md)',
  },
  args: {
    file: { type: 'positional', description: 'The .onnx file', required: true },
    preset: { type: 'string', description: 'The network whose first branch it replaces', default: 'tiny' },
  },
  async run({ args }) {
    const bytes = await readBackbone(args.file);
    const file = inspectBackbone(bytes, args.file);
    const spec = backboneSpec(presetOf(args.preset), file);
    const milliseconds = await timeOnePicture(bytes, spec);
    const lines = [
      ...factsOf(file, milliseconds),
      '',
      describeForPeople(spec),
      '',
      `To train with it: SIMILI_BACKBONE=${resolve(args.file)} SIMILI_PRESET=${args.preset}`,
    ];
    process.stdout.write(`${lines.join('\n')}\n`);
  },
});

/** @throws SimiliError IMPORT_UNREADABLE */
async function readBackbone(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new SimiliError('IMPORT_UNREADABLE', { source: path, why: (error as Error).message });
  }
}

function factsOf({ backbone, inputSize, input, output, pixels, batch, opset }: BackboneFile, ms: number): string[] {
  return [
    `reads     ${input.name}: ${inputSize}x${inputSize} pixels, ${backbone.layout}, ${batch ?? 'any number'} at a time`,
    `          (rgb - [${backbone.mean.join(', ')}]) / [${backbone.deviation.join(', ')}]`,
    `gives     ${output.name}: ${backbone.length} values${pixels > 1 ? `, the mean over ${pixels} pixels` : ''}`,
    `operators ONNX set ${opset}`,
    `speed     ${ms.toFixed(1)} ms a picture on one core, embedding`,
    `sha-256   ${backbone.checksum}`,
  ];
}

const PICTURES = 4;

/** Runs it, with an untrained head: what its file says is not yet what it does. */
async function timeOnePicture(backbone: Uint8Array, spec: NetworkSpec): Promise<number> {
  const weights = initialWeights(spec, makeRandom(1));
  const { engine } = await openNetworkEngine('onnx', { requireGpu: false }, spec, weights, {
    ...{ batch: 3, threads: 1, backbone },
  });
  try {
    const pictures = new Float32Array(PICTURES * spec.inputSize ** 2 * 3);
    await engine.embed(pictures, PICTURES);
    const since = performance.now();
    await engine.embed(pictures, PICTURES);
    return (performance.now() - since) / PICTURES;
  } finally {
    await engine.dispose();
  }
}
