/** Kinds of a cell of the grid on which thing and ground are told apart. */
export const NO_CELL = 0;
/** Like the ground, and not reached from the border. */
export const ENCLOSED = 1;
/** Ink that is not counted yet. */
export const UNCOUNTED = 2;
export const GROUND = 3;
export const THING = 4;
/** Ground in shadow. */
export const SHADOW = 5;
/** Possible shadow, being judged. */
export const JUDGED = 6;
