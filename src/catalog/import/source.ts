import { isAbsolute, resolve } from 'node:path';

const WEB = /^https?:\/\//i;
/** A picture's path is complete here. */
const PICTURE_END = /\.(jpe?g|png|webp|avif|gif)$/i;
/** Beginnings of a source of its own: a URL, one without its scheme, an absolute path. */
const BEGINS = /^(https?:\/\/|\/)/i;

/**
 * The picture sources of a cell, which `|` separates. A URL may hold a `|` itself: there it separates only with white space
 * beside it, before a URL or an absolute path, or behind the ending of a picture file.
 */
export function splitSources(cell: string): string[] {
  const sources: string[] = [];
  for (const part of cell.split('|')) {
    const before = sources.at(-1);
    if (before !== undefined && isInside(before, part)) sources[sources.length - 1] = `${before}|${part}`;
    else sources.push(part);
  }
  return sources;
}

const isInside = (before: string, part: string): boolean =>
  WEB.test(before.trim()) &&
  before === before.trimEnd() &&
  !PICTURE_END.test(before) &&
  /^[^\s]/.test(part) &&
  !BEGINS.test(part);

/** A URL without its scheme, as web pages write it (`//cdn.shop.test/a.png`), is one of https. */
export const withScheme = (text: string): string => (/^\/\/[^/]/.test(text) ? `https:${text}` : text);

/** An http(s) URL as it is, a path made absolute; null for any other scheme. */
export function locate(written: string, folder: string): string | null {
  const source = withScheme(written);
  if (isWebUrl(source)) return source;
  if (isAbsolute(source)) return source;
  return /^[a-z][a-z0-9+.-]+:/i.test(source) ? null : resolve(folder, source);
}

export const isWebUrl = (source: string): boolean => WEB.test(source) && URL.canParse(source);
