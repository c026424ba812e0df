import { UNKNOWN_LICENCE } from '@simili/worker/encoders/hub';
import type { TriedEncoder } from '@simili/worker/encoders/try-encoder';
import { type AtWork, tryEncoderSafely } from '@simili/worker/encoders/try-model';
import { defineCommand } from 'citty';
import { loadConfigFor } from '../../../src/config.ts';
import { ownPictures } from '../../encoder/own-pictures.ts';
import { writeSheet } from '../../encoder/sheet.ts';
import { catalogOption, secondsOf } from '../../options.ts';
import { short } from '../../table.ts';

export const check = defineCommand({
  args: {
    ...catalogOption,
    encoder: { type: 'positional', description: 'As SIMILI_ENCODER: a name, a folder, a .onnx file', required: true },
    pictures: {
      type: 'string',
      description: 'Catalog (folder, .csv, .jsonl) to show it; default: the products of the shop, else the demo',
    },
    out: { type: 'string', description: 'HTML file to write: what it finds alike', default: 'encoder-check.html' },
    seconds: { type: 'string', description: 'How long trying it may take', default: '60' },
  },
  async run({ args }) {
    const timeoutMs = 1000 * secondsOf(args.seconds);
    const config = loadConfigFor(args.catalog);
    const show = async ({ tried, encode }: AtWork) => {
      process.stdout.write(`${[...factsOf(tried), ...warningsOf(tried)].join('\n')}\n`);
      const { side } = tried.installed.description.input;
      const own = await ownPictures(args.pictures ?? null, side, config);
      try {
        const said = own
          ? await writeSheet(args.out, tried.installed, own, encode)
          : 'no pictures to show it: name some with --pictures';
        process.stdout.write(`alike     ${said}\n`);
      } finally {
        await own?.close();
      }
    };
    await tryEncoderSafely(args.encoder, { timeoutMs }, show, config.SIMILI_DATA_DIR);
    process.stdout.write(`To use it: SIMILI_ENCODER=${args.encoder}\n`);
  },
});

function factsOf({ installed, bytes, ...found }: TriedEncoder): string[] {
  const { facts, description, path } = installed;
  const { input, output } = description;
  const rounded = (values: readonly number[]) => values.map((value) => Number(value.toPrecision(5))).join(', ');
  return [
    `encoder   ${facts.id}: ${facts.title}`,
    `licence   ${facts.licence}`,
    `file      ${path}, ${short(bytes)}B, sha-256 ${description.sha256}`,
    `reads     ${input.name}: ${input.side}x${input.side} pixels, ${input.layout}, ${input.channels}`,
    `          (0 to 255 - [${rounded(input.mean)}]) / [${rounded(input.deviation)}]`,
    `gives     ${output.name}: ${output.dimensions} finite values, pooling ${output.pooling}`,
    `speed     ${found.alone.toFixed(1)} ms a picture on one core; ${found.batched.toFixed(1)} ms, four at a time`,
    `memory    ${found.peakMb.toFixed(0)} MB at most, of them ${found.idleMb.toFixed(0)} MB without the network`,
    `steady    a picture seen twice differs by ${shown(found.repeated)}, alone and among others by ${shown(found.amongOthers)}`,
  ];
}

/** Differences of this share of a vector's length change who is nearest. */
const UNSTEADY = 1e-3;

function warningsOf({ installed, repeated, amongOthers }: TriedEncoder): string[] {
  const { licence } = installed.facts;
  return [
    ...(licence === UNKNOWN_LICENCE
      ? ['WARNING   nobody says under which licence it is: ask who made it before a shop uses it']
      : []),
    ...(repeated > UNSTEADY ? ['WARNING   it does not give the same vector for the same picture'] : []),
    ...(amongOthers > UNSTEADY
      ? [
          'WARNING   its vectors depend on the other pictures of a batch (a quantised file?): take the float32 or float16 one',
        ]
      : []),
  ];
}

const shown = (difference: number): string => (difference === 0 ? '0' : difference.toExponential(1));
