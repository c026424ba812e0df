import { SimiliError } from 'simili/internal/errors';

/** Its first words: the rest names files of this machine, and the reason is shown to people elsewhere. */
export function inShort(error: unknown): string {
  const why =
    error instanceof SimiliError && 'why' in Object(error.facts)
      ? (error as SimiliError<'ENGINE_UNAVAILABLE'>).facts.why
      : error instanceof Error
        ? error.message
        : String(error);
  return why.split(/[:;\n]/, 1)[0] ?? why;
}
