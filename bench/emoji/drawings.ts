import sharp from 'sharp';
import { keyOf, packageFile, VENDORS, type Vendor } from './things.ts';

/** A drawing in the form of Iconify: the inside of an SVG and its view box. */
type Icon = { body: string; left?: number; top?: number; width?: number; height?: number };
type Alias = { parent: string; hFlip?: boolean; vFlip?: boolean };
type IconSet = { icons: Record<string, Icon>; aliases?: Record<string, Alias>; width?: number; height?: number };

/** Side of the rendered pictures: twice what the product's decoder works at, as a shop's photograph would be larger too. */
const SIDE = 384;

/** The vendors' drawings, by key. */
export function openDrawings() {
  const sets = new Map<Vendor, { set: IconSet; names: Map<string, string> }>();
  for (const vendor of VENDORS) {
    const set = JSON.parse(packageFile(`@iconify-json/${vendor}/icons.json`)) as IconSet;
    const chars = JSON.parse(packageFile(`@iconify-json/${vendor}/chars.json`)) as Record<string, string>;
    sets.set(vendor, { set, names: new Map(Object.entries(chars).map(([hex, name]) => [keyOf(hex), name])) });
  }
  const named = [...sets.values()].map(({ names }) => names);
  const drawnByAll = new Set([...named[0]!.keys()].filter((key) => named.every((names) => names.has(key))));

  /** PNG on transparent ground. */
  const render = async (key: string, vendor: Vendor): Promise<Buffer> => {
    // The decoder of shops' pictures, which may be loaded here too, forbids SVG; these drawings are our own.
    sharp.unblock({ operation: ['VipsForeignLoadSvg'] });
    const { set, names } = sets.get(vendor)!;
    const name = names.get(key)!;
    const alias = set.icons[name] ? null : set.aliases?.[name];
    const icon = set.icons[alias?.parent ?? name];
    if (!icon) throw new Error(`${vendor} has no drawing of ${key}`);
    const { body, left = 0, top = 0, width = set.width ?? 16, height = set.height ?? 16 } = icon;
    const box = `viewBox="${left} ${top} ${width} ${height}" width="${SIDE}" height="${SIDE}"`;
    const spaces = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"';
    const picture = sharp(Buffer.from(`<svg ${spaces} ${box}>${body}</svg>`));
    return picture.flop(Boolean(alias?.hFlip)).flip(Boolean(alias?.vFlip)).png({ compressionLevel: 1 }).toBuffer();
  };
  return { drawnByAll, render };
}
