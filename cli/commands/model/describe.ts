import { presetNamed, presetNames } from '@simili/learning/network/presets';
import type { NetworkSpec } from '@simili/learning/network/spec';
import { defineCommand } from 'citty';
import { SimiliError } from '../../../src/errors.ts';
import { describeForPeople, descriptionOf } from './description.ts';

export const describe = defineCommand({
  args: {
    preset: { type: 'positional', description: 'simili model list shows them', required: true },
    json: { type: 'boolean', description: 'One JSON object', default: false },
  },
  run({ args }) {
    const spec = presetOf(args.preset);
    process.stdout.write(`${args.json ? JSON.stringify(descriptionOf(spec)) : describeForPeople(spec)}\n`);
  },
});

/** @throws SimiliError INVALID_ARGUMENT that lists the names. */
export function presetOf(name: string): NetworkSpec {
  if ((presetNames as string[]).includes(name)) return presetNamed(name);
  throw new SimiliError('INVALID_ARGUMENT', {
    argument: 'preset',
    why: `${name} is none of ${presetNames.join(', ')}`,
  });
}
