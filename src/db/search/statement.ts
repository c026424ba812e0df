import type { Condition } from '../../ports/condition.ts';
import type { VersionSpace } from '../../ports/space.ts';
import type { Statement } from '../sql/ask.ts';
import { categoryTable, embeddingTable } from '../sql/embedding-table.ts';
import { carriedOf, type Parts, shapeOf, valuesOf } from '../sql/product-columns.ts';
import { bool, float, int, nested, orNull, text } from '../sql/row.ts';
import { nameOf } from '../sql/statement-name.ts';
import { eachAnchor, givenAnchor, meanAnchor, oneAnchor, scanSettings } from './anchor.ts';
import { MOST_TOGETHER } from './batches.ts';
import type { WithinCategory } from './category.ts';
import { conditionSql } from './condition-sql.ts';
import { candidatesOfBinary, mostPassingSql, placeInSample, Sample, sampleSql } from './effort.ts';
import { fused, LOOKS } from './fused.ts';
import { listedSql, listingSql } from './list-sql.ts';
import { LISTED, type PartOfList } from './neighbour-lists.ts';
import { nearest, TIES } from './one.ts';
import {
  type Behind,
  type MostRanked,
  type Near,
  type Parameter,
  parameters,
  type Reranked,
  type Way,
} from './parts.ts';

export type { Behind };

/** Hard constraints of a search. Left out: no constraint. */
export type SearchFilter = {
  available?: boolean;
  /** Any of these, at any level. */
  categories?: readonly string[];
  /** Exact decimals, inclusive. */
  minPrice?: string;
  maxPrice?: string;
  excludeIds?: readonly string[];
  /** Further ones, all of them. */
  conditions?: readonly Condition[];
  /** Conditions of the shop's own filters, all of them. */
  own?: readonly Condition[];
};

export type Search = {
  catalogId: string;
  /** Number of the version, and its spaces: one or more. */
  model: number;
  spaces: readonly VersionSpace[];
  anchorIds: readonly string[];
  /** They are one anchor together, their mean; left out: each has a list of its own. */
  asOne?: boolean;
  /** The anchor itself, in the one space, instead of products; left out: these. */
  vector?: Float32Array | undefined;
  filter: SearchFilter;
  limit: number;
  behind: Behind | null;
  /** Candidates of one round of the index scan (effort.ts). */
  effort: number;
  /** Whether the scan goes on behind its first round until the page is full, and all copies are ranked, not the first `effort` of them. For that pgvector keeps all that it has looked at, a fifth of the scan's time. */
  goesOn: boolean;
  /** Most products that pass a filter and are ranked one by one; null: as many as suits the size of the catalog. */
  mostPassing: number | null;
  /** Indexes of the filter's one category, which are asked instead of those of all. */
  within?: WithinCategory | null;
  /** A list of each anchor, for the way 'listed'. */
  lists?: readonly PartOfList[];
  /** How much of the list that it makes is looked at, for the ways that make one. */
  length?: number;
  /** The part of the filter that lists are of, which their products pass when they are made. */
  listsOf?: SearchFilter;
  /** Parts of the products; left out: all. */
  parts?: Parts;
};

/** The ranking of an anchor: one row for each, in their order. */
const rankedOf = (parts: Parts) => ({
  known: bool,
  warm: bool,
  /** More products pass the filter than are ranked one by one, so none was; null where they were not counted. */
  many: orNull(bool),
  /** Products that the index gave, and the greatest distance among them. Of several spaces: see `fused`. */
  looked: orNull(int),
  farthest: orNull(float),
  /** The index gave neither the anchor itself nor any other at its place: what it gave is not near. Or the anchor itself looks otherwise than when its list was made. */
  lost: orNull(bool),
  /** Since the oldest of the lists that the page is made of more was written than is looked at one by one: the page says nothing. */
  old: orNull(bool),
  /** The list to be kept (neighbour-lists.ts), by the ways that make one. */
  list: orNull(text),
  /** Distances, and those parts of their products, best first; null: the anchor has no neighbours. */
  places: orNull(nested({ l2: float, ...shapeOf(parts) })),
});
export type Ranked = ReturnType<typeof rankedOf>;

/**
 * One statement for a page of each anchor, or of all together. The settings of the index scan are made within it, where the anchor's row is
 * read, which is before the scan begins: it needs no session of its own, so a pooler may lie between.
 */
export function searchStatement(search: Search, way: Way): { statement: Statement<Ranked>; values: unknown[] } {
  const { catalogId, model, spaces, anchorIds, asOne, vector, filter, limit, behind, within, parts = {} } = search;
  const isOne = !asOne && anchorIds.length === 1;
  const { values, param } = parameters([vector ? `[${vector.join()}]` : isOne ? anchorIds[0] : [...anchorIds]]);
  const catalog = param(catalogId, 'text');
  const isListing = way === 'listing' || way === 'listing passing';
  const isPassing = way === 'passing' || way === 'listing passing';
  const { narrowing, without, mostlyPassing } = conditions(filter, param);
  const searched = isListing ? conditions(search.listsOf ?? {}, param) : { narrowing, mostlyPassing };
  const most = typeof way === 'number' || way === 'listing' ? mostRankedOf(search, param) : null;
  const wanted = typeof way === 'number' ? limit + way + 1 : LISTED + 2;
  const tables = spaces.map((space, i) => {
    const table = embeddingTable(catalogId, model, space.name);
    const near = within
      ? {
          ...copiesOf(search, within, i),
          most,
          binary: within.ranked[i] ? null : binaryOf(search, space, wanted),
          narrowing: searched.mostlyPassing,
          hasAnchor: false,
        }
      : {
          table,
          only: () => '',
          isRanked: false,
          most: null,
          binary: binaryOf(search, space, wanted),
          narrowing: searched.narrowing,
          hasAnchor: !asOne && !isPassing,
        };
    return { space, table, vec: `vec${i || ''}`, near };
  });
  const ownGroup = asOne ? 'ANY(anchor.group_ids)' : 'anchor.group_id';
  const warm = tables.map(({ vec }) => `anchor.${vec} IS NOT NULL`).join(' OR ');
  const carried = carriedOf(parts);
  const [{ space, table, near }] = tables as [(typeof tables)[number]];
  const isFiled = Object.keys(search.listsOf ?? {}).length > 0;
  const byLists =
    way === 'listed'
      ? listedSql({ space, table, catalog, isFiled }, search.lists!, param)
      : isListing
        ? listingSql({ space, catalog, near, isPassing }, search.length!)
        : null;
  const listed = byLists?.listed ?? null;
  const ranking = { catalog, tables, warm, ownGroup, limit, narrowing, without, behind, carried, listed, param };
  const settings = way === 'listed' ? NO_SETTINGS : settingsOf(search, param);
  const isCarried = tables.length === 1 && (typeof way === 'number' || byLists !== null);
  const nearby = tables.length === 1 ? nearest(ranking, way) : fused(ranking, way);
  const products = asOne ? meanAnchor : isOne ? oneAnchor : eachAnchor;
  const anchor = vector ? givenAnchor(tables, settings) : products(catalog, tables, settings);
  const sql = `
    WITH anchor AS MATERIALIZED (${anchor})${isPassing ? passing(catalog, searched.narrowing, mostOf(search, table, param)) : ''}${byLists?.tables ?? ''}
    SELECT anchor.id IS NOT NULL AS known, (${warm}) AS warm, page.looked, page.farthest, ${byLists?.isLost ?? 'page.lost'} AS lost, ${byLists?.list ?? 'NULL::text'} AS list, ${byLists?.isOld ?? 'NULL::bool'} AS old,
      ${isPassing ? '(SELECT many FROM passing)' : 'NULL::bool'} AS many, page.places
    FROM anchor CROSS JOIN LATERAL (
      SELECT max(n.looked) AS looked, max(n.farthest) AS farthest, ${byLists ? '' : 'bool_or(n.lost) AS lost,'}
        json_agg(json_build_array(n.l2, ${valuesOf(parts, isCarried ? 'n' : 'p')}) ORDER BY n.l2, n.product_id) AS places
      FROM (${nearby}) AS n
        ${isCarried ? '' : `JOIN simili.product p ON p.catalog_id = ${catalog} AND p.id = n.product_id`}
        ${parts.pictures !== false ? `LEFT JOIN simili.product_image i ON i.catalog_id = ${catalog} AND i.product_id = n.product_id AND i.position = 0` : ''}
    ) AS page ORDER BY anchor.nr`;
  // These filters may have any shape: each that is prepared would push another's plan out of the session.
  const isCommon =
    behind === null &&
    !filter.own?.length &&
    !filter.conditions?.length &&
    (typeof way === 'string' || way === TIES[0] || way === LOOKS[0]);
  const name = isCommon ? nameOf(sql) : undefined;
  const isSearch = way === 'listing' || way === TIES[0];
  const isShort =
    way === 'listed' ? anchorIds.length <= MOST_TOGETHER : isOne && !search.goesOn && isSearch && narrowing === '';
  return { statement: { name, text: sql, row: rankedOf(parts), isShort }, values };
}

/** No index is scanned. */
const NO_SETTINGS = '(SELECT) AS settings';
/** The rows of a binary index are ranked anew, in whatever order they come; an ordered scan leaves out what comes late. */
function settingsOf({ effort, goesOn, spaces }: Search, param: Parameter): string {
  const onwards = spaces.some(({ isBinary }) => isBinary) ? 'relaxed_order' : 'strict_order';
  return scanSettings(param(String(effort), 'text'), param(goesOn ? onwards : 'off', 'text'));
}

/**
 * How much of a binary index is ranked anew: all that one round gives, or, where the scan goes on, as many that pass as find nearly all of the nearest, and twice those that are wanted.
 * @returns null: the space's index is none
 */
function binaryOf({ effort, goesOn, within = null }: Search, space: VersionSpace, wanted: number): Reranked | null {
  const measured = candidatesOfBinary(space, within);
  if (measured === null) return null;
  return { candidates: goesOn ? Math.max(measured, 2 * wanted) : effort, arePassing: goesOn };
}

/** As many as the first round of an index would look at; null: all. */
function mostRankedOf({ effort, goesOn, within }: Search, param: Parameter): MostRanked | null {
  if (goesOn || !within?.ranked.every(Boolean)) return null;
  const place = placeInSample(effort, within.products);
  return { kept: param(effort, 'int'), place: place === null ? null : param(place, 'int') };
}

/** The number is in the text: of a value, Postgres could not tell that an index of one category holds all that is asked for. */
function copiesOf(
  { catalogId, model, spaces }: Search,
  { numbers, ranked }: WithinCategory,
  i: number,
): Omit<Near, 'most' | 'binary' | 'narrowing' | 'hasAnchor'> {
  const table = categoryTable(catalogId, model, spaces[i]!.name);
  return { table, only: (alias) => `AND ${alias}.category = ${numbers[i]!}`, isRanked: ranked[i]! };
}

const mostOf = ({ mostPassing }: Search, table: string, param: Parameter): string =>
  mostPassing === null ? mostPassingSql(table) : param(mostPassing, 'int');

/** One row: the ids of what passes, or that it is `many`, more than are ranked one by one. */
const passing = (catalog: string, narrowing: string, most: string): string => `,
    most AS MATERIALIZED (SELECT ${most} AS n),
    found AS MATERIALIZED (SELECT q.id FROM simili.product q
      WHERE q.catalog_id = ${catalog} ${narrowing && `AND ${narrowing}`} LIMIT (SELECT n + 1 FROM most)),
    passing AS MATERIALIZED (SELECT isMany AS many, CASE WHEN isMany THEN '{}' ELSE ARRAY(SELECT id FROM found) END AS ids
      FROM (SELECT count(*) > (SELECT n FROM most) AS isMany FROM found) AS counted)`;

/** Asks which share of a version's products passes a filter, by a sample of its first space: see Sample. */
export function sampleStatement(
  catalogId: string,
  { number, spaces: [space] }: { readonly number: number; readonly spaces: readonly VersionSpace[] },
  filter: SearchFilter,
): { statement: Statement<typeof Sample>; values: unknown[] } {
  const { values, param } = parameters();
  const catalog = param(catalogId, 'text');
  const table = embeddingTable(catalogId, number, space!.name);
  const { narrowing } = conditions(filter, param);
  return { statement: { text: sampleSql(catalog, table, narrowing || 'TRUE'), row: Sample }, values };
}

/**
 * Conditions of a filter over a product `q`, and the parameter with the ids that are left out. `mostlyPassing`: the same where all products are of the
 * filter's categories already: the planner, which would think that few of them pass and rank all, is not told what is asked of these.
 */
export function conditions(filter: SearchFilter, param: Parameter) {
  const { excludeIds } = filter;
  const { categories, ...others } = filter;
  const narrowing = conditionsOf(others).map((condition) => conditionSql(condition, param));
  const within = categories ? [conditionSql({ column: 'categories', overlaps: categories }, param)] : [];
  const without = excludeIds?.length ? param([...excludeIds], 'text[]') : null;
  return {
    narrowing: [...within, ...narrowing].join(' AND '),
    mostlyPassing: [...within.map((sql) => `coalesce(${sql}, FALSE)`), ...narrowing].join(' AND '),
    without,
  };
}

/** Conditions of a filter on a product's columns, but its categories, which the catalog's indexes serve. */
const conditionsOf = ({
  available,
  minPrice,
  maxPrice,
  conditions: more = [],
  own = [],
}: Omit<SearchFilter, 'categories'>): Condition[] => [
  ...(available === undefined ? [] : [{ column: 'available', is: available } as const]),
  ...(minPrice === undefined ? [] : [{ column: 'price', atLeast: minPrice } as const]),
  ...(maxPrice === undefined ? [] : [{ column: 'price', atMost: maxPrice } as const]),
  ...more,
  ...own,
];
