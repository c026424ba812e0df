import type { Colour, Raster } from './raster.ts';

/** Below this a pixel shows more of what is behind it than of itself. */
const HALF = 128;

/**
 * The picture in front of a colour.
 * @param rgba uint8 [height, width, 4], colours not multiplied by their opacity
 * @returns `isCutOut`: that somebody has cut the thing out already, which leaves some of the picture transparent
 */
export function flatten(rgba: Uint8Array, width: number, height: number, [red, green, blue]: Colour) {
  const pixels = new Uint8Array(width * height * 3);
  let isCutOut = false;
  for (let from = 0, to = 0; to < pixels.length; from += 4, to += 3) {
    const opacity = rgba[from + 3]!;
    if (opacity < HALF) isCutOut = true;
    const rest = 255 - opacity;
    pixels[to] = (rgba[from]! * opacity + red * rest) / 255 + 0.5;
    pixels[to + 1] = (rgba[from + 1]! * opacity + green * rest) / 255 + 0.5;
    pixels[to + 2] = (rgba[from + 2]! * opacity + blue * rest) / 255 + 0.5;
  }
  return { raster: { pixels, width, height } satisfies Raster, isCutOut };
}
