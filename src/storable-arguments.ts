import { SimiliError } from './errors.ts';
import { isStorable, UNSTORABLE } from './text.ts';

type Use = (...args: never) => unknown;
/**
 * Arguments that are text, by the functions of `Services`, under the names that callers of the API know; null: there is none, or entries
 * are judged one by one (src/entries.ts).
 */
export type Texts<Services> = {
  readonly [Name in keyof Services as Services[Name] extends Use ? Name : never]:
    | ((...args: Parameters<Extract<Services[Name], Use>>) => unknown)
    | null;
};

/**
 * The same use cases, which reject text that Postgres cannot store: the one check for all that comes by the API or from a host that
 * calls them itself. Rejects with SimiliError INVALID_ARGUMENT, by the path of the text.
 */
export function refusingUnstorable<Services extends object>(services: Services, texts: Texts<Services>): Services {
  const refusing = Object.entries(texts as Record<string, Use | null>).flatMap(([name, textsOf]) => {
    const use = services[name as keyof Services] as Use;
    const checked = async (...args: never) => {
      refuseUnstorable((textsOf as Use)(...args));
      return use(...args);
    };
    return textsOf ? [[name, checked] as const] : [];
  });
  return { ...services, ...Object.fromEntries(refusing) };
}

/** Looks at every text in plain data. @throws SimiliError INVALID_ARGUMENT */
function refuseUnstorable(value: unknown, path: readonly string[] = []): void {
  if (typeof value === 'string' && !isStorable(value))
    throw new SimiliError('INVALID_ARGUMENT', { argument: path.join('.'), why: UNSTORABLE });
  if (typeof value !== 'object' || value === null) return;
  for (const [key, inner] of Object.entries(value)) refuseUnstorable(inner, [...path, key]);
}
