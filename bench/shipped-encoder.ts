import { readFile } from 'node:fs/promises';
import { InferenceSession, Tensor } from 'onnxruntime-node';

const FOLDER = new URL('../encoders/efficientnet-lite0/', import.meta.url);

/** The pretrained encoder of this repository on one core, as its description says to feed it. */
export async function openShippedEncoder() {
  const { name, model, input, output } = JSON.parse(await readFile(new URL('encoder.json', FOLDER), 'utf8'));
  const session = await InferenceSession.create(await readFile(new URL(model, FOLDER)), {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    logSeverityLevel: 3,
  });
  const { side, mean, deviation } = input;
  return {
    name: name as string,
    side: side as number,
    /** @param picture uint8 RGB [side, side, 3] */
    async encode(picture: Uint8Array): Promise<Float32Array> {
      const planes = Float32Array.from({ length: picture.length }, (_, at) => {
        const c = Math.floor(at / (side * side));
        return (picture[(at % (side * side)) * 3 + c]! - mean[c]) / deviation[c];
      });
      const found = await session.run({ [input.name]: new Tensor(planes, [1, 3, side, side]) });
      return Float32Array.from(found[output.name]!.data as Float32Array);
    },
  };
}
