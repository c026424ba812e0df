import { presetNamed, presetNames } from '@simili/learning/network/presets';
import { describeNetwork } from '@simili/learning/network/shapes';
import { defineCommand } from 'citty';
import { jsonOption } from '../../options.ts';
import { short, table } from '../../table.ts';

export const list = defineCommand({
  args: jsonOption,
  run({ args }) {
    const presets = presetNames.map((name) => {
      const { inputSize, embedding, ...spec } = presetNamed(name);
      const { parameters, flopsPerPicture } = describeNetwork({ inputSize, embedding, ...spec });
      return { preset: name, pixels: inputSize, vector: embedding, parameters, flopsPerPicture };
    });
    const rows = presets.map(({ preset, pixels, vector, parameters, flopsPerPicture }) => [
      preset,
      `${pixels}`,
      `${vector}`,
      short(parameters),
      short(flopsPerPicture),
    ]);
    const head = ['preset', 'pixels', 'vector', 'parameters', 'FLOPs a picture'];
    const lines = table(head, rows, [false, true, true, true, true]);
    process.stdout.write(`${args.json ? JSON.stringify(presets) : lines.join('\n')}\n`);
  },
});
