import { SimiliError } from '../errors.ts';
import type { Log } from '../log.ts';
import { type Condition, problemOfCondition } from '../ports/condition.ts';
import type { FilterExtension } from '../ports/filter-extension.ts';
import type { Telemetry } from '../ports/telemetry.ts';
import type { OwnFilterInput } from './filter.ts';

type Deps = { filters: readonly FilterExtension[]; log: Pick<Log, 'error'>; telemetry: Telemetry };
type Told = Omit<Deps, 'filters'>;

/**
 * Conditions of the shop's own filters in one search: all of them, also those that the storefront did not name.
 * @param given within the bounds of `toSearchFilter`
 * @throws SimiliError INVALID_ARGUMENT, EXTENSION_FAILED.
 */
export function ownConditions(deps: Deps, given: readonly OwnFilterInput[] | null | undefined): Condition[] {
  const { filters } = deps;
  const values = valuesByName(filters, given ?? []);
  return filters.flatMap((filter) => {
    const condition = conditionOf(filter, values.get(filter.name) ?? null, deps);
    return condition === null ? [] : [condition];
  });
}

function valuesByName(filters: readonly FilterExtension[], given: readonly OwnFilterInput[]) {
  const values = new Map<string, readonly string[]>();
  for (const own of given) {
    if (!filters.some(({ name }) => name === own.name))
      refuse('filter.own', `knows no filter ${JSON.stringify(own.name)}`);
    if (values.has(own.name)) refuse(`filter.own.${own.name}`, 'is there twice');
    values.set(own.name, own.values);
  }
  return values;
}

function conditionOf(
  filter: FilterExtension,
  values: readonly string[] | null,
  { log, telemetry }: Told,
): Condition | null {
  try {
    const condition = filter.condition(values);
    if (condition === null) return null;
    const problem = problemOfCondition(condition);
    if (problem !== null) throw new TypeError(`its condition ${problem}`);
    return condition;
  } catch (error) {
    if (error instanceof RangeError) refuse(`filter.own.${filter.name}`, error.message);
    log.error({ err: error, filter: filter.name }, "the shop's own filter failed");
    telemetry.count('simili.extension_failures', 1, { extension: `filter ${filter.name}` });
    throw new SimiliError('EXTENSION_FAILED', { what: `filter ${filter.name}` });
  }
}

function refuse(argument: string, why: string): never {
  throw new SimiliError('INVALID_ARGUMENT', { argument, why });
}
