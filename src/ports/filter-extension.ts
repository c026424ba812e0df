import { SimiliError } from '../errors.ts';
import type { Condition } from './condition.ts';

/** A shop's own rule inside the search: a page is full whenever enough products meet it. */
export type FilterExtension = {
  /** Name by which a storefront asks for it, `filter: { own: [{ name, values }] }`: small letters, digits, `-` and `_`, at most 30. */
  readonly name: string;
  /**
   * The rule for one search. It is asked at every search, so it takes no time: what it needs, it has.
   * @param values what the storefront gave, up to 50 texts; null: it did not ask for this one
   * @returns null: none, all products pass
   * @throws RangeError the storefront's values make no sense: it is told (INVALID_ARGUMENT) what the message says. Anything else
   * is EXTENSION_FAILED, and the message goes to the log alone.
   */
  condition(values: readonly string[] | null): Condition | null;
};

/** @throws SimiliError CONFIGURATION_INVALID: what is wrong with the first that is not right. */
export function checkFilters(filters: readonly FilterExtension[]): void {
  const names = new Set<string>();
  for (const { name, condition } of filters) {
    const refuse = (why: string): never => {
      throw new SimiliError('CONFIGURATION_INVALID', { why: `The filter ${JSON.stringify(name)} ${why}` });
    };
    if (!/^[a-z][a-z0-9_-]{0,29}$/.test(name)) refuse('needs a name of small letters, digits, - and _, at most 30');
    if (typeof condition !== 'function') refuse('has no function condition');
    if (names.has(name)) refuse('is there twice');
    names.add(name);
  }
}
