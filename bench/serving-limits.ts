type Row = Record<string, string | number>;

/** Limits of `similarItems` beside raw pgvector and Apollo Server, in the same run: p50 of one client, rate of several, p99 of all; filters beside none. */
const MOST_P50_TIMES = 2;
const LEAST_OF_RAW = 0.4;
const LEAST_OF_SLOWER = 0.75;
const MOST_P99_TIMES = 2.5;
const MOST_FILTER_TIMES = 3;
const LEAST_RECALL = 0.98;

/**
 * A row for each page and number of clients, and one for each filter, that says whether the limits are met.
 * @param rows of one catalog
 * @param what the way whose limits are meant
 */
export function limitsOf(rows: readonly Row[], what: string): Row[] {
  const own = rows.filter((row) => row.what === what);
  const plain = own.filter(({ share }) => share === 'none');
  const beside = (what: string, { page, clients }: Row) =>
    rows.find((row) => row.what === what && row.page === page && row.clients === clients)!;
  const pages = plain.map((row) =>
    ofPage(row, beside('raw pgvector', row), beside('Apollo Server, page in memory', row)),
  );
  const unfiltered = plain.find(({ page, clients }) => page === 'twelve' && clients === 1)!;
  return [...pages, ...own.filter(({ share }) => share !== 'none').map((row) => ofFilter(row, unfiltered))];
}

function ofPage(row: Row, raw: Row, apollo: Row): Row {
  const times = (of: string) => rounded(Number(row[of]) / Number(raw[of]));
  const rate = Number(row.queriesPerSecond);
  const shareOfRaw = rounded(rate / Number(raw.queriesPerSecond));
  const slower = Math.min(Number(raw.queriesPerSecond), Number(apollo.queriesPerSecond));
  const shareOfSlower = rounded(rate / slower);
  const isOfOne = row.clients === 1;
  const isQuick = isOfOne
    ? times('p50') <= MOST_P50_TIMES
    : shareOfRaw >= LEAST_OF_RAW && shareOfSlower >= LEAST_OF_SLOWER;
  return {
    ...about(row),
    limit: `${isOfOne ? `p50 ${MOST_P50_TIMES} x` : `${LEAST_OF_RAW} of raw, ${LEAST_OF_SLOWER} of the slower`}, p99 ${MOST_P99_TIMES} x`,
    p50TimesRaw: times('p50'),
    shareOfRaw,
    shareOfSlower,
    p99TimesRaw: times('p99'),
    met: isQuick && times('p99') <= MOST_P99_TIMES ? 'yes' : 'NO',
  };
}

function ofFilter(row: Row, unfiltered: Row): Row {
  const p50TimesUnfiltered = rounded(Number(row.p50) / Number(unfiltered.p50));
  return {
    ...about(row),
    limit: `p50 ${MOST_FILTER_TIMES} x, recall ${LEAST_RECALL}`,
    p50TimesUnfiltered,
    met: p50TimesUnfiltered <= MOST_FILTER_TIMES && Number(row.recall10) >= LEAST_RECALL ? 'yes' : 'NO',
  };
}

const about = ({ what, page, clients, share, products }: Row): Row => ({
  what: `limits of ${what}`,
  products: products!,
  page: page!,
  clients: clients!,
  share: share!,
});
const rounded = (value: number): number => Number(value.toFixed(2));
