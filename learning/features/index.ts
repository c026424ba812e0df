import type { Picture } from '../picture.ts';
import { colour, colourLength } from './colour.ts';
import { hog, hogLength } from './hog.ts';
import { pixels, pixelsLength } from './pixels.ts';

/** Turns a picture into a vector of `length` values: unit length, or all zeros when the feature sees nothing in it. */
export type HandMadeFeature = { readonly length: number; readonly extract: (picture: Picture) => Float32Array };

export type HandMade = 'hog' | 'pixels' | 'colour';

/** The golden features (paper, section 6.1) that are computed here: shape, layout and colour. */
export const handMadeFeatures: Readonly<Record<HandMade, HandMadeFeature>> = {
  hog: { length: hogLength, extract: hog },
  pixels: { length: pixelsLength, extract: pixels },
  colour: { length: colourLength, extract: colour },
};

export const isHandMade = (feature: string): feature is HandMade => Object.hasOwn(handMadeFeatures, feature);
