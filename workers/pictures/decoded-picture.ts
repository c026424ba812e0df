/** Part of the pixel cache's key: a change to what `decodePicture` computes, or to the files, gets a new number. */
export const DECODE_VERSION = 4;

export type DecodeLimits = {
  /** Width times height, of one frame. */
  maxPixels: number;
  /** `#rrggbb`: behind transparent pixels, and what every thing is put on instead of its own ground. */
  background: string;
  /** Sides of the squares that are wanted, pixels. */
  sides: readonly number[];
};

export type DecodedPicture = {
  /** By side: uint8 RGB [side, side, 3], cut to the thing, square, on the background (see `trimToSquare`). */
  pixels: Record<number, Uint8Array>;
  /** Size of the picture as it is meant to be seen (EXIF orientation applied), in pixels. */
  width: number;
  height: number;
  mime: string;
};
