import type { MedusaContainer } from '@medusajs/framework/types';
import { ContainerRegistrationKeys, getTotalVariantAvailability } from '@medusajs/framework/utils';
import { SIMILI } from './modules/simili';
import type SimiliService from './modules/simili/service';
import type { SimiliProduct } from './modules/simili/service';

/** Products in one call. */
const BATCH = 100;
const MOST_PICTURES = 10;
const MOST_TAGS = 100;
const PARENTS = ['name', 'parent_category.name', 'parent_category.parent_category.name'];
const FIELDS = [
  ...['id', 'title', 'status', 'deleted_at', 'thumbnail', 'images.url', 'tags.value', 'sales_channels.id'],
  ...PARENTS.map((path) => `categories.${path}`),
  ...['variants.id', 'variants.manage_inventory', 'variants.allow_backorder', 'variants.prices.*'],
];

type Category = { name: string; parent_category?: Category | null };
type Price = { amount: number; currency_code: string; price_list_id?: string | null; rules_count?: number };
type Variant = { id: string; manage_inventory: boolean; allow_backorder: boolean; prices?: Price[] };
type Product = {
  id: string;
  title: string;
  status: string;
  deleted_at: string | null;
  thumbnail: string | null;
  images: { url: string }[];
  tags: { value: string }[];
  sales_channels: { id: string }[];
  categories: Category[];
  variants: Variant[];
};

/** Tells Simili of products as they are now; what is not for sale any more is removed. */
export async function sendProducts(container: MedusaContainer, ids: string[]): Promise<void> {
  for (let i = 0; i < ids.length; i += BATCH) await sendBatch(container, ids.slice(i, i + BATCH));
}

export async function sendAll(container: MedusaContainer): Promise<void> {
  const query = container.resolve(ContainerRegistrationKeys.QUERY);
  const { data } = await query.graph({ entity: 'product', fields: ['id'], withDeleted: true });
  await sendProducts(
    container,
    data.map(({ id }) => id),
  );
}

async function sendBatch(container: MedusaContainer, ids: string[]): Promise<void> {
  const query = container.resolve(ContainerRegistrationKeys.QUERY);
  const simili = container.resolve<SimiliService>(SIMILI);
  const { data } = await query.graph({ entity: 'product', fields: FIELDS, filters: { id: ids } });
  const there = (data as unknown as Product[]).filter(({ status }) => status === 'published');
  const counted = there.flatMap(({ variants }) => variants.filter(isCounted).map(({ id }) => id));
  const stock = counted.length > 0 ? await getTotalVariantAvailability(query, { variant_ids: counted }) : {};
  const isForSale = (variant: Variant) => !isCounted(variant) || (stock[variant.id]?.availability ?? 0) > 0;
  await simili.upsert(
    there.map((product) => mapped(product, product.variants.some(isForSale), simili.options.currency)),
  );
  const known = new Set(there.map(({ id }) => id));
  await simili.remove(ids.filter((id) => !known.has(id)));
}

const isCounted = ({ manage_inventory, allow_backorder }: Variant) => manage_inventory && !allow_backorder;

function mapped(product: Product, availableForSale: boolean, currency: string): SimiliProduct {
  const { id, title, thumbnail, images, tags, sales_channels, categories, variants } = product;
  const pictures = [thumbnail, ...images.map(({ url }) => url)].filter((url) => url !== null);
  const channels = sales_channels.map((channel) => `channel:${channel.id}`);
  const prices = variants.flatMap(({ prices = [] }) => prices).filter((price) => isUsual(price, currency));
  const paths = categories.map(pathOf).sort((a, b) => b.length - a.length);
  return {
    id,
    title,
    imageUrls: [...new Set(pictures)].slice(0, MOST_PICTURES),
    categories: paths[0] ?? [],
    tags: [...channels, ...tags.map(({ value }) => value)].slice(0, MOST_TAGS),
    price: prices.length > 0 ? String(Math.min(...prices.map(({ amount }) => Number(amount)))) : null,
    currencyCode: prices.length > 0 ? currency.toUpperCase() : null,
    availableForSale,
  };
}

/** A price for everybody: of no list, and under no condition. */
const isUsual = ({ currency_code, price_list_id, rules_count = 0 }: Price, currency: string) =>
  currency_code === currency && !price_list_id && rules_count === 0;

/** From broad to narrow. */
const pathOf = ({ name, parent_category }: Category): string[] => [
  ...(parent_category ? pathOf(parent_category) : []),
  name,
];
