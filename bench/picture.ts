import { readFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import sharp from 'sharp';
import { demoCatalog } from '../scripts/demo-catalog.ts';
import { collect } from '../test/support/collect.ts';
import { answered, ask, percentile, startDemo, temporaryDir } from './running.ts';

/** Pictures of each row, and how large a storefront sends them: a photo as it is, and scaled by the page. */
const PICTURES = 60;
const SIDES = [512, 3000];

/** Time from sending a picture to the list of it, over HTTP, with the encoder that ships and an embedded database; one after the other, and four at once. */
export async function picture() {
  const dir = await temporaryDir();
  try {
    const simili = await startDemo(dir.path, { SIMILI_PICTURE_RATE: '0' });
    await answered(simili.url, 'NETWORK');
    const entries = await collect(demoCatalog());
    const files = entries.flatMap((entry) => ('row' in entry ? entry.row.images.slice(0, 1) : [])).slice(0, PICTURES);
    const rows = [];
    for (const side of SIDES) {
      const bodies = await Promise.all(files.map((file) => photo(file, side)));
      await search(simili.url, bodies[0]!); // the first one starts a decoder
      for (const atOnce of [1, 4]) {
        const times = await timed(simili.url, bodies, atOnce);
        rows.push({
          what: `JPEG of ${side} x ${side}, ${Math.round(bodies[0]!.length / 1024)} KB`,
          atOnce,
          ...Object.fromEntries(
            [0.5, 0.95, 1].map((share) => [`p${100 * share}`, `${Math.round(percentile(times, share))} ms`]),
          ),
          load: loadavg()[0]!.toFixed(1),
        });
      }
    }
    await simili.stop();
    return rows;
  } finally {
    await dir.remove();
  }
}

const photo = async (file: string, side: number): Promise<Buffer> =>
  sharp(await readFile(file))
    .flatten({ background: '#eee' })
    .resize(side, side, { fit: 'contain', background: '#eee' })
    .jpeg()
    .toBuffer();

async function search(url: string, body: Buffer): Promise<void> {
  const headers = { 'content-type': 'image/jpeg' };
  const answer = await fetch(`${url}/picture`, { method: 'POST', headers, body: new Uint8Array(body) });
  const { pictureToken } = (await answer.json()) as { pictureToken?: string };
  if (!pictureToken) throw new Error(`POST /picture answered ${answer.status}`);
  await ask(`${url}/graphql`, `{ similarToPicture(picture: { token: "${pictureToken}" }) { status nodes { id } } }`);
}

/** Milliseconds of each. */
async function timed(url: string, bodies: readonly Buffer[], atOnce: number): Promise<number[]> {
  const times: number[] = [];
  const waiting = [...bodies];
  const client = async () => {
    for (let body = waiting.shift(); body; body = waiting.shift()) {
      const since = performance.now();
      await search(url, body);
      times.push(performance.now() - since);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, client));
  return times;
}
