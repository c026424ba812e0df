/**
 * Added under the root of every L2 norm, x / sqrt(sum x^2 + normFloor), in every engine: an all-zero row (a blank
 * picture) stays finite, forwards and backwards.
 */
export const normFloor = 1e-8;

/** Added to the variance of every batch normalisation. */
export const normEpsilon = 1e-5;
