/** Facts of a product that are written and read alike. */
export type ProductFacts = {
  id: string;
  title: string;
  url: string | null;
  categories: string[];
  tags: string[];
  /** Exact decimal. */
  price: string | null;
  currency: string | null;
  available: boolean;
  /** Id of the product whose variant this is; null: it has none. */
  groupId: string | null;
};

/** A catalog row with the picture that is compared. */
export type ProductRow = ProductFacts & {
  image: {
    id: string;
    source: string;
    state: 'PENDING' | 'READY' | 'FAILED';
    width: number | null;
    height: number | null;
  } | null;
};
