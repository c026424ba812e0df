import { picture, priceOf, Sheet, type ShopCatalog, titleOf } from './sheet.ts';

const COLUMNS = [
  ...[
    'id',
    'title',
    'description',
    'link',
    'image link',
    'additional image link',
    'availability',
    'price',
    'sale price',
  ],
  ...[
    'sale price effective date',
    'brand',
    'gtin',
    'google product category',
    'product type',
    'item group id',
    'condition',
  ],
];
const STOCK = ['in stock', 'in_stock', 'In Stock', 'out of stock', 'out_of_stock', 'preorder', 'backorder'];

/** The text feed of Google Merchant: tabs, and quotes that mean nothing. */
export function googleText(products = 1000): ShopCatalog {
  const sheet = new Sheet();
  sheet.add(COLUMNS.join('\t'));
  for (let i = 0; i < products; i++) {
    const stock = STOCK[i % STOCK.length]!;
    const bad = i % 150 === 8 ? 'free' : i % 150 === 9 ? '19,90 EUR' : null;
    const noImage = i % 130 === 4;
    sheet.add(
      [
        ...[`G${i}`, titleOf(i), 'Soft, warm', `https://shop.test/p/${i}`, noImage ? '' : picture(i)],
        ...[i % 2 ? `${picture(`${i}-b`)},${picture(`${i}-c`)}` : '', stock, bad ?? `${priceOf(i)} EUR`],
        ...[i % 10 === 0 ? '3.00 EUR' : '', i % 20 === 0 ? '2020-01-01T00:00Z/2020-02-01T00:00Z' : '', 'Ours', ''],
        ...[
          i % 3 ? '187' : 'Apparel > Shoes',
          i % 3 === 1 ? 'Home > Shoes > Boots' : '',
          i % 5 ? '' : `grp${i}`,
          'new',
        ],
      ].join('\t'),
      noImage
        ? { problem: 'image is empty' }
        : bad && i % 10 !== 0
          ? { problem: 'price must look like 19.90, or as --locale says' }
          : {
              stored: `G${i}`,
              row: {
                title: titleOf(i),
                url: `https://shop.test/p/${i}`,
                available: !/out/.test(stock),
                currency: 'EUR',
                price: i % 20 === 10 ? '3.00' : priceOf(i),
                groupId: i % 5 ? null : `grp${i}`,
                categories: i % 3 === 1 ? ['Home', 'Shoes', 'Boots'] : i % 3 ? [] : ['Apparel', 'Shoes'],
                images: [picture(i), ...(i % 2 ? [picture(`${i}-b`), picture(`${i}-c`)] : [])],
              },
            },
    );
  }
  for (let i = 0; i < 5; i++) sheet.add('\t'.repeat(COLUMNS.length - 1));
  sheet.expected.notes.push('read as an export of Google Merchant: id from id');
  return sheet.done('feed.tsv');
}

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

/** The feed as RSS, as a plugin of a shop writes it: signs that are no XML, and products with broken tags. */
export function googleRss(products = 1000): ShopCatalog {
  const sheet = new Sheet();
  sheet.add(
    '<?xml version="1.0" encoding="UTF-8"?>\n<rss version="2.0" xmlns:g="http://base.google.com/ns/1.0">\n<channel>',
  );
  sheet.add('<title>Shop &amp; Co</title><link>https://shop.test</link>');
  for (let i = 0; i < products; i++) {
    const isBroken = i % 200 === 50;
    const isOpen = i % 250 === 99;
    const noImage = i % 120 === 11;
    const name = `${titleOf(i)} & more`;
    const title = i % 4 === 0 ? `<![CDATA[${name}]]>` : i % 100 === 1 ? name : escaped(name);
    const pictures = [picture(i), picture(`${i}-b`)].slice(0, 1 + (i % 2));
    const tags = pictures.map(
      (url, k) => `<g:${k ? 'additional_' : ''}image_link>${escaped(url)}</g:${k ? 'additional_' : ''}image_link>`,
    );
    sheet.add(
      [
        `<item><title>not this one</title><g:title>${title}</g:title><g:id>r-${i}</g:id>`,
        `  <link>https://shop.test/p/${i}?a=1&amp;b=2</link>${noImage ? '' : tags.join('\n')}`,
        `  <g:price>${priceOf(i)} GBP</g:price><g:availability>${STOCK[i % STOCK.length]}</g:availability>`,
        '  <g:shipping><g:country>GB</g:country><g:price>4.95 GBP</g:price></g:shipping>',
        `  <g:product_type>Home &gt; Shoes</g:product_type>${isBroken ? '<g:brand>Ours' : ''}`,
        isOpen ? '' : '</item>',
      ].join('\n'),
      isBroken
        ? { problem: 'it is not well-formed XML: Unexpected close tag' }
        : isOpen
          ? { problem: 'its end is missing: item begins within it' }
          : noImage
            ? { problem: 'image is empty' }
            : {
                stored: `r-${i}`,
                row: {
                  title: name,
                  images: pictures,
                  price: priceOf(i),
                  currency: 'GBP',
                  categories: ['Home', 'Shoes'],
                  url: `https://shop.test/p/${i}?a=1&b=2`,
                  available: !/out/.test(STOCK[i % STOCK.length]!),
                },
              },
    );
  }
  sheet.add('</channel></rss>', 'no row');
  sheet.expected.notes.push('read as an export of Google Merchant', 'signs (& or <) that XML wants as entities');
  return sheet.done('google.xml');
}

/** The feed as Atom in Latin-1, cut off in the middle of a product by a full disk. */
export function googleAtom(products = 1000): ShopCatalog {
  const sheet = new Sheet();
  sheet.add('<?xml version="1.0" encoding="ISO-8859-1"?>');
  sheet.add('<feed xmlns="http://www.w3.org/2005/Atom" xmlns:g="http://base.google.com/ns/1.0">');
  const entry = (i: number) =>
    `<entry><g:id>a-${i}</g:id><title>Größe ${i}</title><link href="https://shop.test/${i}"/><g:image_link>${picture(i)}</g:image_link><g:price>EUR ${priceOf(i)}</g:price>`;
  for (let i = 0; i < products; i++) {
    const row = { title: `Größe ${i}`, url: `https://shop.test/${i}`, price: priceOf(i), currency: 'EUR' };
    sheet.add(`${entry(i)}</entry>`, { stored: `a-${i}`, row });
  }
  sheet.add(entry(products), { problem: 'the file ends within it' });
  return sheet.done('feed.atom', {}, (text) => Buffer.from(text.trimEnd(), 'latin1'));
}
