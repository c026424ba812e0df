import type { SeenPair } from '../../learning/relevance/seen-pairs.ts';

/** A pair of which each choice was a click, at its one place. */
export const seen = (
  anchor: number,
  item: number,
  position: number,
  impressions: number,
  clicks: number,
): SeenPair => ({ anchor, item, position, impressions, clicks, value: clicks });
