/** A product as `similarItems` selects it unless it is asked for other fields. */
export type Product = {
  id: string;
  title: string | null;
  url: string | null;
  availableForSale: boolean;
  /** Pixels are null until the picture was decoded. */
  image: { url: string; width: number | null; height: number | null } | null;
  /** amount: an exact decimal, e.g. "19.90". currencyCode: ISO 4217. */
  price: { amount: string; currencyCode: string } | null;
};
export const PRODUCT_FIELDS = 'id title url availableForSale image { url width height } price { amount currencyCode }';

/** Why a list is as long as it is: docs/api.md. */
export type Status =
  | 'OK'
  | 'PARTIAL'
  | 'COLD_ITEM'
  | 'ITEM_UNKNOWN'
  | 'MODEL_NOT_READY'
  | 'FALLBACK_CATEGORY'
  | 'FALLBACK_POPULAR';

export type SimilarItem<P> = {
  /** 1-based, over all pages. */
  position: number;
  /** Likeness, 0 to 1. */
  score: number;
  node: P;
};

/** One page of the products that look like another, best first. For one shopper, and plain JSON: a server may hand it to its page. */
export type SimilarItems<P = Product> = {
  status: Status;
  /** Goes back with every event about the list. Good for 7 days. */
  recommendationId: string;
  modelVersionId: string | null;
  pageInfo: { hasNextPage: boolean; endCursor: string | null };
  edges: SimilarItem<P>[];
  /** The products of `edges`. */
  nodes: P[];
};

/** `filter`: ProductFilter of the contract. */
export type ListOptions = {
  /** 1 to 50, 12 where left out. */
  first?: number;
  /** `pageInfo.endCursor` of the page before. */
  after?: string | null;
  filter?: Record<string, unknown>;
  /** 0 to 1. */
  minScore?: number;
  /** 0 to 1. */
  diversity?: number;
  /** Whether of products with the same picture, or near-duplicates of one, only the one most alike is shown. */
  distinctPictures?: boolean;
  /** Products to have instead while this one cannot be compared; the status of the list says so. */
  fallback?: 'NONE' | 'CATEGORY' | 'POPULAR';
  /** Where in the storefront the list stands, e.g. product-page: lower-case letters and digits, single dashes between them. */
  placement?: string;
  /** Selected of every product; `id` must be among them. Left out: those of `Product`. */
  fields?: string;
  signal?: AbortSignal;
};

/** The document that `similarItems` sends, for a file of trusted documents too. */
export const similarItemsDocument = (fields: string = PRODUCT_FIELDS): string =>
  `query SimilarItems($id: ID!, $first: Int, $after: String, $filter: ProductFilter, $minScore: Float, $diversity: Float, $distinctPictures: Boolean, $fallback: SimilarItemsFallback, $placement: String) { ` +
  `similarItems(id: $id, first: $first, after: $after, filter: $filter, minScore: $minScore, diversity: $diversity, distinctPictures: $distinctPictures, fallback: $fallback, placement: $placement) { ` +
  `status recommendationId modelVersionId pageInfo { hasNextPage endCursor } edges { position score node { ${fields} } } } }`;
