export const SIMILI_OPTIONS = Symbol('SIMILI_OPTIONS');

export type SimiliOptions = {
  /** Where Simili is, e.g. http://simili:4000. */
  url: string;
  /** A key that may write products: npx simili key create --name vendure --scopes catalog */
  key: string;
  /** Where Simili finds the shop's pictures: the address of the asset server, e.g. https://shop.example/assets/ */
  assets: string;
  /** A catalog other than Simili's usual one. */
  catalog?: string;
};
