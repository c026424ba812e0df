import { MOST_PAGE as MOST_PRODUCTS, DEFAULT_PAGE as PRODUCTS } from '../../catalog/product-page.ts';
import { MOST_ANCHORS } from '../../similarity/anchors.ts';
import { DEFAULT_FIRST, MOST_FIRST } from '../../similarity/page-arguments.ts';
import { LISTS_OF_DISTINCT, LISTS_OF_DIVERSE } from './limits.ts';

/** How many entries an argument asks for, or the one that asks for most of several. */
export type FromArgument = { argument: string | readonly string[]; standard: number; most: number };
/** Cost of a field beyond being one value. */
export type Size = {
  /** Vector searches, or as much. */
  lists?: number | FromArgument;
  /** Arguments that ask for more than a search: where one is true, or above 0, `lists` count so many times. */
  wishes?: readonly { argument: string; times: number }[];
  /** Page size of the connection that the field answers. */
  page?: FromArgument;
  /** Entries of the list that the field answers; `page` is the page of the connection around it, or a few where that says none. */
  entries?: number | 'page' | FromArgument;
};

const page: FromArgument = { argument: 'first', standard: DEFAULT_FIRST, most: MOST_FIRST };
const wishes = [
  { argument: 'distinctPictures', times: LISTS_OF_DISTINCT },
  { argument: 'diversity', times: LISTS_OF_DIVERSE },
];
const similarItems: Size = { lists: 1, wishes, page };
/** Usual ones: a filter names few that are unknown. */
const NOTICES = 10;
const newest: Size = { entries: { argument: 'first', standard: 20, most: 100 } };
const ofPage: Size = { entries: 'page' };
/** A list of text belongs to one thing and is short: it counts as one value. */
const SIZES: Readonly<Record<string, Size>> = {
  'Query.similarItems': similarItems,
  'Product.similarItems': similarItems,
  'Query.similarToProducts': { lists: { argument: 'ids', standard: 1, most: MOST_ANCHORS }, wishes, page },
  'Query.similarToPicture': similarItems,
  'SimilarToPictureConnection.edges': ofPage,
  'SimilarToPictureConnection.nodes': ofPage,
  'SimilarToProductsConnection.edges': ofPage,
  'SimilarToProductsConnection.nodes': ofPage,
  'SimilarItemConnection.edges': ofPage,
  'SimilarItemConnection.nodes': ofPage,
  // Looks up every category and tag of the filter.
  'SimilarItemConnection.notices': { lists: 1, entries: NOTICES },
  'SimilarToProductsConnection.notices': { lists: 1, entries: NOTICES },
  'SimilarToPictureConnection.notices': { lists: 1, entries: NOTICES },
  'Query.products': { page: { argument: 'first', standard: PRODUCTS, most: MOST_PRODUCTS } },
  'ProductConnection.edges': ofPage,
  'ProductConnection.nodes': ofPage,
  'Query._entities': { entries: { argument: 'representations', standard: 1, most: Number.POSITIVE_INFINITY } },
  // admin
  'Query.models': newest,
  'Query.jobs': newest,
  'Query.visitorEvents': { page: { argument: 'first', standard: 100, most: 500 } },
  'VisitorEventConnection.nodes': ofPage,
  'Query.feedbackQuarantines': { entries: { argument: 'first', standard: 100, most: 500 } },
  'ModelVersion.embedded': { lists: 1 }, // counts a table of vectors
  'ModelVersion.gates': { entries: 20 },
  'ListChanges.examples': { entries: 3 },
  'ListChange.before': { entries: 12 },
  'ListChange.after': { entries: 12 },
  'Query.explainSimilarity': { lists: 1 }, // reads feedback of 90 days
  'Query.clickThrough': { lists: 1 }, // sums days
  'Query.feedbackHealth': { lists: 1 }, // counts quarantines and days
  'FeedbackBots.rules': { entries: 5 },
  'FeedbackHealth.rejections': { entries: 20 },
  'ClickThrough.versions': { entries: 100 },
  'ClickThrough.places': { entries: 50 },
  'ClickThrough.placements': { entries: 21 },
  'SimilarityExplanation.parts': { entries: 20 },
  'Job.curve': { entries: 200 },
  'CatalogHealth.failures': { entries: 50 },
};
/** One for each entry of a bad call. */
const USER_ERRORS: Size = { entries: 500 };
/** Lists of a host's own types: as many as one of these arguments says, or a few. */
const PAGE_ARGUMENTS = ['first', 'last', 'limit'];
export const FEW = 10;
const HOST_LIST = { standard: FEW, most: 1_000 };
/** Lists of a connection, as Relay has them: how long they are the field around them says. */
const OF_CONNECTION = ['edges', 'nodes'];

/** @returns undefined for a field that is one of ours and no list, or none of ours. */
export const sizeOf = (type: string, field: string): Size | undefined =>
  field === 'userErrors' ? USER_ERRORS : SIZES[`${type}.${field}`];

/**
 * Size of a field that is not ours and answers objects.
 * @param given names of the arguments of the field
 */
export function guessedSize(field: string, given: readonly string[], isList: boolean): Size {
  const argument = PAGE_ARGUMENTS.filter((name) => given.includes(name));
  const asked = { argument, ...HOST_LIST };
  if (!isList) return argument.length > 0 ? { page: asked } : {};
  return { entries: argument.length === 0 && OF_CONNECTION.includes(field) ? 'page' : asked };
}
