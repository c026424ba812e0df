/** Choices at which people have half of their greatest weight. */
const HALF = 200;
/** Greatest weight in batches and triplets of a training: what pictures show is learned as well. */
export const MOST_OF_BATCHES = 0.5;
/** Greatest weight in the fusion of blocks: beside many choices the catalog says nothing. */
export const MOST_OF_FUSION = 1;

/**
 * Weight in [0, most) of what people chose beside what the catalog says by itself: Bühlmann's credibility
 * Z(n) = most * n / (n + 200), 0 without any choice, half of `most` at 200.
 * @param choices n >= 0: pairs of anchor and item that shoppers acted on, and answers of raters
 */
export const credibility = (choices: number, most: number): number => (most * choices) / (choices + HALF);
