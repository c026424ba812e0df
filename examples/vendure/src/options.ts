export const SIMILI_OPTIONS = Symbol('SIMILI_OPTIONS');

export type SimiliOptions = {
  /** Where Simili is, e.g. http://simili:4000. */
  url: string;
  /** A key that may write products, and see for the dashboard how they are served: npx simili key create --name vendure --scopes catalog,operate */
  key: string;
  /** Where Simili finds the shop's pictures: the address of the asset server, e.g. https://shop.example/assets/ */
  assets: string;
  /** A catalog other than Simili's usual one. */
  catalog?: string;
  /** Simili's own page, to which the dashboard links, where the browsers of the shop's people find it elsewhere than at `url`. */
  page?: string;
};
