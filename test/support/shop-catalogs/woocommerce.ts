import { byName, germanPriceOf, picture, priceOf, Sheet, type ShopCatalog, titleOf } from './sheet.ts';

const COLUMNS = [
  ...['ID', 'Type', 'SKU', 'GTIN, UPC, EAN, or ISBN', 'Name', 'Published', 'Is featured?', 'Visibility in catalog'],
  ...['Short description', 'Description', 'Date sale price starts', 'Date sale price ends', 'Tax status', 'In stock?'],
  ...['Stock', 'Backorders allowed?', 'Sale price', 'Regular price', 'Categories', 'Tags', 'Images', 'Parent'],
  ...['Attribute 1 name', 'Attribute 1 value(s)', 'Attribute 1 visible', 'Attribute 1 global', 'Position'],
];
const header = Object.fromEntries(COLUMNS.map((name) => [name, name]));

/** The product export of WooCommerce: variations beside their parents, several categories, pictures with commas. */
export function wooCommerce(products = 1000): ShopCatalog {
  const sheet = new Sheet();
  const row = byName(COLUMNS);
  sheet.add(`\ufeff${row(header)}`);
  for (let i = 0; i < products; i++) {
    const id = 10_000 + i;
    const kind = (['simple', 'variable', 'variation', 'simple, virtual'] as const)[i % 4]!;
    const isOff = i % 60 === 20;
    const isHidden = i % 60 === 40;
    const bare = kind === 'variation' && i % 8 === 2;
    const parent = i % 16 < 8 ? `SKU-${i - 1}` : `id:${id - 1}`;
    const group =
      kind === 'variable'
        ? i % 16 < 8
          ? `SKU-${i}`
          : String(id)
        : kind === 'variation'
          ? parent.replace('id:', '')
          : null;
    sheet.add(
      row({
        ID: id,
        Type: kind,
        SKU: i % 16 < 8 ? `SKU-${i}` : '',
        Name: titleOf(i),
        Published: isOff ? -1 : 1,
        'Visibility in catalog': isHidden ? 'hidden' : 'visible',
        Description: 'Long,\n"text"\nof three lines',
        'In stock?': i % 7 === 0 ? 0 : i % 7 === 1 ? 'backorder' : 1,
        'Regular price': priceOf(i),
        'Sale price': i % 9 < 2 ? '4.50' : '',
        'Date sale price ends': i % 9 === 1 ? '2020-01-01' : '',
        Categories: 'Clothing > Hoodies\\, warm, Clothing, Sale',
        Tags: 'red, wool',
        Parent: kind === 'variation' ? parent : '',
        Images: bare ? '' : `${picture(i)}, ${picture(`${i}-b`)}`,
      }),
      isOff
        ? { passedOver: 'it is not published' }
        : isHidden
          ? { passedOver: 'it is hidden in the catalog' }
          : bare
            ? { passedOver: 'it is a variation without a picture of its own' }
            : {
                stored: String(id),
                row: {
                  title: titleOf(i),
                  groupId: group,
                  available: i % 7 !== 0,
                  tags: ['red', 'wool'],
                  images: [picture(i), picture(`${i}-b`)],
                  categories: ['Clothing', 'Hoodies, warm'],
                  price: i % 9 === 0 ? '4.50' : priceOf(i),
                  currency: 'USD',
                },
              },
    );
  }
  sheet.add(row({ ID: '', SKU: 'only-sku', Type: 'simple', Name: 'New', Images: picture('s') }), {
    stored: 'only-sku',
  });
  sheet.add(row({ ID: '', SKU: '', Type: 'simple', Name: 'Nameless', Images: picture('t') }), {
    problem: 'id is missing',
  });
  sheet.add(row({ ID: 7, Type: 'simple', Images: 'ftp://old.shop.test/a.jpg' }), {
    problem: 'image ftp://old.shop.test/a.jpg is neither a path',
  });
  sheet.expected.notes.push('read as an export of WooCommerce: id from id and sku');
  return sheet.done('wc-product-export.csv', { currency: 'USD' });
}

/** The same from Germany, opened in a spreadsheet, and one line pasted from another encoding. */
export function germanWooCommerce(products = 1000): ShopCatalog {
  const sheet = new Sheet('\r\n');
  const row = byName(COLUMNS, ';');
  sheet.add(row(header));
  for (let i = 0; i < products; i++) {
    const cells = {
      ID: i + 1,
      Type: 'simple',
      Name: titleOf(i),
      Published: 1,
      Images: picture(i),
      Categories: 'Möbel > Tische',
    };
    const isPoint = i % 200 === 9;
    const isOther = i % 250 === 17;
    sheet.add(
      row({ ...cells, 'Regular price': isPoint ? '19.90' : germanPriceOf(i), ...(isOther && { Name: '\u0000' }) }),
      isOther
        ? { problem: 'the line is not UTF-8 text' }
        : isPoint
          ? { problem: 'price 19.90 is not written as in de-DE: 12.345,50' }
          : { stored: String(i + 1), row: { price: priceOf(i), currency: 'EUR', categories: ['Möbel', 'Tische'] } },
    );
  }
  for (let i = 0; i < 20; i++) sheet.add(';'.repeat(COLUMNS.length - 1));
  const encode = (text: string) =>
    Buffer.concat(
      text.split('\u0000').flatMap((part, i) => [...(i ? [Buffer.from('Möbel', 'latin1')] : []), Buffer.from(part)]),
    );
  return sheet.done('wc-produkte.csv', { locale: 'de-DE', currency: 'EUR' }, encode);
}
