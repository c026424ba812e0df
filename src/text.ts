/**
 * Can Postgres store this text and give the same one back? Not with U+0000, and not with half of a surrogate pair, which
 * UTF-8 cannot write: two ids that differ there would become one. What is not storable is in no table.
 */
export const isStorable = (text: string): boolean => !/[\0\p{Cs}]/u.test(text);
/** Why such a text is refused: the end of a sentence that names it. */
export const UNSTORABLE = 'may not hold U+0000 or half of a surrogate pair';

/** Length of a text in code points, as Postgres counts it: an emoji outside the BMP is one character, not two. */
export const lengthOf = (text: string): number =>
  text.length - (text.match(/[\ud800-\udbff][\udc00-\udfff]/g)?.length ?? 0);

/**
 * An id in the one spelling under which it is kept (NFC): file systems write "é" as one code point or as two, and a
 * person sees no difference.
 */
export const toId = (text: string): string => text.normalize('NFC');

/** Whether a text is a UUID of any version, in small letters. */
export const isUuid = (text: string): boolean => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text);
