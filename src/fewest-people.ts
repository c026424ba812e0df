/** Fewest people of whom a number is shown (k-anonymity). */
export const FEWEST_PEOPLE = 20;
