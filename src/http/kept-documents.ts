import type { DocumentNode, Location } from 'graphql';
import { LRUCache } from 'lru-cache';

/** Each store of each server. */
const MOST_BYTES = 30 * 2 ** 20;
/** A node with its place and its lists: 150 to 250, as its kind is. */
const NODE_BYTES = 250;
/** An entry with its key. */
const ENTRY_BYTES = 512;
/** A character of a text in which one is none of Latin-1. */
const CHARACTER_BYTES = 2;

/** A store as Apollo asks for it. */
type Store<Value> = {
  get(key: string): Promise<Value | undefined>;
  set(key: string, value: Value): Promise<void>;
  delete(key: string): Promise<boolean>;
};

/**
 * Documents that were parsed, valid and within the limits, for when they are sent again; those asked for last stay. Apollo's own store takes a
 * document for as long as its JSON, which says nothing of its text and tokens: a comment of two characters is 88 bytes, and held 100,000 documents of any size.
 */
export const keptDocuments = (): Store<DocumentNode> =>
  storeOf((document) => document.loc!.source.body.length * CHARACTER_BYTES + withoutTokens(document) * NODE_BYTES);

/** Texts of documents that clients name by their hash. Apollo's own store counts neither their keys nor what an entry takes: short ones were many. */
export const keptTexts = (): Store<string> => storeOf((text) => text.length * CHARACTER_BYTES);

/** Bounded by what its values hold; one that is larger than all of it is not kept. */
function storeOf<Value extends object | string>(bytesOf: (value: Value) => number): Store<Value> {
  const kept = new LRUCache<string, Value>({
    maxSize: MOST_BYTES,
    sizeCalculation: (value) => ENTRY_BYTES + bytesOf(value),
  });
  return {
    get: async (key) => kept.get(key),
    set: async (key, value) => void kept.set(key, value),
    delete: async (key) => kept.delete(key),
  };
}

type Tokens = { -readonly [Name in 'startToken' | 'endToken']: Location[Name] | undefined };

/**
 * Lets go of the tokens that a document was parsed from, which hold one another, comments too. Errors are told their line by where a node begins in the
 * text, which stays. @returns how many nodes there are.
 */
function withoutTokens(node: object): number {
  let nodes = 1;
  for (const [name, value] of Object.entries(node)) {
    if (name === 'loc') Object.assign(value as Tokens, { startToken: undefined, endToken: undefined });
    else if (Array.isArray(value)) for (const one of value) nodes += withoutTokens(one);
    else if (typeof value === 'object' && value !== null) nodes += withoutTokens(value);
  }
  return nodes;
}
