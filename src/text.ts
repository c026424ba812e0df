/** Postgres has no text with U+0000: what holds one is in no table, and asking for it would be an error. */
export const isStorable = (text: string): boolean => !text.includes('\0');
