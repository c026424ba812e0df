import { presetNamed, presetNames } from '@simili/learning/network/presets';
import { describeNetwork } from '@simili/learning/network/shapes';
import { defineCommand } from 'citty';
import { short, table } from '../../table.ts';

export const list = defineCommand({
  run() {
    const rows = presetNames.map((name) => {
      const { inputSize, embedding, ...spec } = presetNamed(name);
      const { parameters, flopsPerPicture } = describeNetwork({ inputSize, embedding, ...spec });
      return [name, `${inputSize}`, `${embedding}`, short(parameters), short(flopsPerPicture)];
    });
    const head = ['preset', 'pixels', 'vector', 'parameters', 'FLOPs a picture'];
    process.stdout.write(`${table(head, rows, [false, true, true, true, true]).join('\n')}\n`);
  },
});
