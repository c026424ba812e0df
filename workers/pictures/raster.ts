/** uint8 RGB, row-major [height, width, 3]. */
export type Raster = {
  readonly pixels: Uint8Array;
  readonly width: number;
  readonly height: number;
};
export type Colour = readonly [red: number, green: number, blue: number];
/** In pixels; `right` and `bottom` are exclusive. */
export type Box = { left: number; top: number; right: number; bottom: number };
