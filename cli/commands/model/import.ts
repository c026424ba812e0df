import { resolve } from 'node:path';
import { tryBackboneSafely } from '@simili/worker/encoders/try-model';
import type { BackboneFile } from '@simili/worker/engines/backbone';
import { defineCommand } from 'citty';
import { secondsOf } from '../../options.ts';
import { presetOf } from './describe.ts';
import { describeForPeople } from './description.ts';

export const importBackbone = defineCommand({
  args: {
    file: { type: 'positional', description: 'The .onnx file', required: true },
    preset: { type: 'string', description: 'The network whose first branch it replaces', default: 'tiny' },
    seconds: { type: 'string', description: 'How long trying it may take', default: '60' },
  },
  async run({ args }) {
    const path = resolve(args.file);
    const tried = await tryBackboneSafely(path, presetOf(args.preset), { timeoutMs: 1000 * secondsOf(args.seconds) });
    const lines = [
      ...factsOf(tried.file, tried.milliseconds),
      '',
      describeForPeople(tried.spec),
      '',
      `To train with it: SIMILI_BACKBONE=${path} SIMILI_PRESET=${args.preset}`,
    ];
    process.stdout.write(`${lines.join('\n')}\n`);
  },
});

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
