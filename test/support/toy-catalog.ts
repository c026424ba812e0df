import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';

const SHAPES: Record<string, string> = {
  circle: '<circle cx="48" cy="48" r="34"/>',
  square: '<rect x="16" y="16" width="64" height="64"/>',
  triangle: '<path d="M48 10 L86 84 L10 84 Z"/>',
  star: '<path d="M48 6 L58 38 L92 38 L64 58 L75 90 L48 70 L21 90 L32 58 L4 38 L38 38 Z"/>',
};

/** A folder of drawn pictures, one sub-folder (category) a shape, `perShape` hues each: small, but with something to learn. */
export async function drawToyCatalog(dir: string, perShape = 30): Promise<string[]> {
  const ids: string[] = [];
  for (const [shape, drawing] of Object.entries(SHAPES)) {
    await mkdir(join(dir, shape), { recursive: true });
    for (let i = 0; i < perShape; i++) {
      const hue = Math.round((360 * i) / perShape);
      const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="96" height="96" fill="hsl(${hue},80%,${40 + (i % 3) * 10}%)"><g transform="rotate(${(i * 7) % 20} 48 48)">${drawing}</g></svg>`;
      const name = `${shape}-${String(hue).padStart(3, '0')}`;
      await writeFile(
        join(dir, shape, `${name}.png`),
        await sharp(Buffer.from(svg)).flatten({ background: '#fff' }).png().toBuffer(),
      );
      ids.push(`${shape}/${name}`);
    }
  }
  return ids;
}
