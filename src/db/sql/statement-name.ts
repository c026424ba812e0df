import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';

/** Names of the texts that were asked last: few are asked at all, and the hash is a quarter of what making a statement costs. */
const names = new LRUCache<string, string>({ max: 500 });

/** A name that no other text has. */
export function nameOf(text: string): string {
  const name = names.get(text) ?? `simili ${createHash('sha1').update(text).digest('base64url')}`;
  names.set(text, name);
  return name;
}
