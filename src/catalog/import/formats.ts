import { each, first, firstText, longestPath, type Reading, saleOr, stock } from './readings.ts';
import { type Field, knownColumns } from './row.ts';

/** A catalog as a shop's software exports it. Columns are named by their keys (`keyOf`); `*` stands for any ending. */
export type Format = {
  name: string;
  /** Columns by which it is known: one of each list must be there. */
  marks: readonly (readonly string[])[];
  fields: Partial<Record<Field, Reading>>;
  /** Why a row is no product that shoppers see; null: it is one. */
  passedOver?: (cell: (...columns: string[]) => string) => string | null;
  /** Rows of one id that follow each other are one product: its pictures and variants. */
  rowsOfOne?: true;
  /** Place of a row's picture among those of its product. */
  position?: readonly string[];
  /** Prices are numbers alone: without --currency they are not taken, and the rows are. */
  withoutCurrency?: true;
};

const no = (text: string): boolean => /^(false|0|-1|no)$/i.test(text);

/** Our own columns, whose values are taken as they are. */
export const ownFormat: Format = {
  name: 'Simili',
  marks: [['id'], ['image']],
  fields: Object.fromEntries(
    knownColumns.map((name) => [name, { columns: [name], read: ([value]: readonly unknown[]) => value }]),
  ),
};

/** Exports of shops' software that are known: docs/catalog.md is this table for readers. */
export const formats: readonly Format[] = [
  ownFormat,
  {
    name: 'Shopify',
    marks: [
      ['handle', 'url_handle'],
      ['image_src', 'product_image_url'],
    ],
    fields: {
      id: first('handle', 'url_handle'),
      title: first('title'),
      image: each('pictures', 'image_src', 'product_image_url'),
      categories: first('product_category', 'type'),
      tags: each('commas', 'tags'),
      price: first('variant_price', 'price'),
      available: stock(
        ['variant_inventory_tracker', 'inventory_tracker'],
        ['variant_inventory_qty', 'inventory_quantity'],
        ['variant_inventory_policy', 'continue_selling_when_out_of_stock'],
      ),
    },
    passedOver: (cell) =>
      /^(draft|archived|unlisted)$/i.test(cell('status'))
        ? `its status is ${cell('status').toLowerCase()}`
        : no(cell('published', 'published_on_online_store'))
          ? 'it is not published'
          : null,
    rowsOfOne: true,
    position: ['image_position'],
    withoutCurrency: true,
  },
  {
    name: 'WooCommerce',
    marks: [['id', 'sku'], ['images'], ['regular_price']],
    fields: {
      id: first('id', 'sku'),
      title: first('name'),
      image: each('pictures', 'images'),
      categories: longestPath('categories'),
      tags: each('commas', 'tags'),
      price: saleOr('sale_price', 'regular_price', ['date_sale_price_starts', 'date_sale_price_ends']),
      available: first('in_stock?'),
      // The exporter names a parent by its SKU, where it has one, and else as id:N.
      item_group_id: {
        columns: ['type', 'parent', 'sku', 'id'],
        read: ([type, parent, sku, id]) =>
          /variation/i.test(String(type))
            ? String(parent ?? '').replace(/^id:/, '')
            : /variable/i.test(String(type))
              ? sku || id
              : undefined,
      },
    },
    passedOver: (cell) =>
      no(cell('published'))
        ? 'it is not published'
        : cell('visibility_in_catalog').toLowerCase() === 'hidden'
          ? 'it is hidden in the catalog'
          : /variation/i.test(cell('type')) && cell('images') === ''
            ? 'it is a variation without a picture of its own'
            : null,
    withoutCurrency: true,
  },
  {
    name: 'Google Merchant',
    marks: [['id'], ['image_link']],
    fields: {
      id: first('id'),
      title: first('title'),
      image: each('pictures', 'image_link', 'additional_image_link'),
      url: first('link'),
      categories: firstText('product_type', 'google_product_category'),
      price: saleOr('sale_price', 'price', ['sale_price_effective_date']),
      available: first('availability'),
      item_group_id: first('item_group_id'),
    },
  },
  {
    name: 'Akeneo',
    marks: [
      ['sku', 'identifier', 'uuid'],
      ['family', 'enabled'],
    ],
    fields: {
      id: first('sku', 'identifier', 'uuid'),
      title: first('name', 'label', 'name_*', 'label_*'),
      image: each('pictures', 'image', 'picture', 'main_image', 'image_*', 'picture_*', 'main_image_*'),
      categories: first('family'),
      tags: each('commas', 'categories'),
      price: {
        columns: ['price', 'price_*'],
        read: (values, columns) => {
          const found = values.findIndex((value) => value !== '');
          return found < 0 ? undefined : `${values[found]} ${/_([a-z]{3})$/.exec(columns[found] ?? '')?.[1] ?? ''}`;
        },
      },
      item_group_id: first('parent'),
    },
    passedOver: (cell) => (no(cell('enabled')) ? 'it is not enabled' : null),
  },
];
