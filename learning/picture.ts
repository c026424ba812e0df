/** Side of the square, trimmed picture that everything is computed from, in pixels. */
export const PICTURE_SIZE = 64;

/** A picture as the pixel cache holds it: uint8 RGB, row-major [side, side, 3], trimmed to its ink, background 255. */
export type Picture = Uint8Array;
