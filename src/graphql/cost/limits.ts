/** The most that one request may ask for. All are counted before anything is executed. */
export type Limits = {
  /** Fields inside one another; a root field is level 1. */
  levels: number;
  /** Renamed fields. */
  aliases: number;
  /** Fields of Query, Mutation or Subscription. */
  rootFields: number;
  /** Characters of a name in the answer. */
  nameCharacters: number;
  /** Fields, arguments and fragments of the document, a fragment as often as it is spread: what validation looks at. */
  selections: number;
  /** Pairs of fields under one name, which validation compares, each with the values in its arguments. */
  repetitions: number;
  /** Lists of similar items: a vector search each. Lists multiply: 12 products with a list each are 13 lists. */
  lists: number;
  /** Fields and list entries of the answer, if every list is full. */
  values: number;
  /** Values in the variables, on all levels. */
  variableValues: number;
};

/** Characters of a document. */
export const MOST_CHARACTERS = 65_536;
/** Tokens of a document, and comments, which are held like tokens: both are counted while it is parsed. */
export const PARSED = { maxTokens: 2_000, maxComments: 1_000 } as const;
/** Also held while a request runs (src/graphql/scope.ts), for hosts that do not ask beforehand. */
export const MOST_LISTS = 100;
/** Lists that one of distinct pictures counts as: a search and a comparison, behind the first page twice both (src/similarity/distinct-pictures.ts). */
export const LISTS_OF_DISTINCT = 4;
/** Lists that one with diversity counts as: a hundred vectors are read, and compared with each other on the one thread that answers, 4 ms of it (src/similarity/diversity.ts). */
export const LISTS_OF_DIVERSE = 4;

export const storefrontLimits: Limits = {
  levels: 10,
  aliases: 30,
  rootFields: 30,
  nameCharacters: 64,
  selections: 2_000,
  repetitions: 1_000,
  lists: MOST_LISTS,
  values: 20_000,
  variableValues: 10_000,
};

/** 100 jobs with their curves, 500 products with all their tags. */
export const adminLimits: Limits = { ...storefrontLimits, values: 200_000, variableValues: 100_000 };

/** Names of the limits, as callers are told. */
export const named: Record<keyof Limits, string> = {
  levels: 'levels of fields',
  aliases: 'aliases',
  rootFields: 'root fields',
  nameCharacters: 'characters in a name',
  selections: 'fields, arguments and fragments',
  repetitions: 'repetitions of fields',
  lists: 'lists of similar items',
  values: 'values in the answer',
  variableValues: 'values in the variables',
};
