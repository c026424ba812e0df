import { byName, picture, priceOf, Sheet, type ShopCatalog, titleOf } from './sheet.ts';

const OLD = [
  ...['Handle', 'Title', 'Body (HTML)', 'Vendor', 'Product Category', 'Type', 'Tags', 'Published', 'Option1 Name'],
  ...['Option1 Value', 'Variant SKU', 'Variant Grams', 'Variant Inventory Tracker', 'Variant Inventory Qty'],
  ...['Variant Inventory Policy', 'Variant Fulfillment Service', 'Variant Price', 'Variant Compare At Price'],
  ...['Image Src', 'Image Position', 'Image Alt Text', 'Gift Card', 'SEO Title', 'Variant Image', 'Status'],
];
const BODY = '<p>Warm, "soft" and\nlight.</p>\n<ul>\n<li>wool, 100 %</li>\n</ul>';

/** The product export as it was for years: rows of a handle are a product, its variants and its pictures. */
export function shopify(products = 1000): ShopCatalog {
  const sheet = new Sheet();
  const row = byName(OLD);
  sheet.add(row(Object.fromEntries(OLD.map((name) => [name, name]))));
  for (let i = 0; i < products; i++) {
    const id = `thing-${i}`;
    const isDraft = i % 50 === 7;
    const hasPicture = i % 97 !== 5;
    const soldOut = i % 11 === 2;
    const first = {
      Handle: id,
      Title: titleOf(i),
      'Body (HTML)': i % 2 ? BODY : '',
      Vendor: 'Ours',
      Published: 'true',
      'Product Category': i % 3 ? 'Apparel & Accessories > Shoes > Boots' : '',
      Type: 'Boots',
      Tags: 'warm, wool',
      'Variant Inventory Tracker': 'shopify',
      'Variant Inventory Qty': soldOut ? 0 : 4,
      'Variant Price': priceOf(i),
      'Variant Inventory Policy': 'deny',
      Status: isDraft ? 'draft' : 'active',
      ...(hasPicture && { 'Image Src': picture(i), 'Image Position': i % 4 === 0 ? 2 : 1 }),
    };
    sheet.add(
      row(first),
      isDraft
        ? { passedOver: 'its status is draft' }
        : hasPicture || i % 4 === 0
          ? {
              stored: id,
              row: {
                title: titleOf(i),
                price: priceOf(i),
                currency: 'EUR',
                tags: ['warm', 'wool'],
                categories: i % 3 ? ['Apparel & Accessories', 'Shoes', 'Boots'] : ['Boots'],
                images: [...(i % 4 === 0 ? [picture(`${i}-a`)] : []), ...(hasPicture ? [picture(i)] : [])],
                available: !soldOut || i % 3 === 0,
              },
            }
          : { problem: 'image is empty' },
    );
    // The second variant is sold without being there.
    if (i % 3 === 0)
      sheet.add(
        row({
          Handle: id,
          'Option1 Value': 'XL',
          'Variant Inventory Tracker': 'shopify',
          'Variant Inventory Qty': 0,
          'Variant Inventory Policy': 'continue',
          'Variant Price': '9999',
        }),
        'joined',
      );
    if (i % 4 === 0) sheet.add(row({ Handle: id, 'Image Src': picture(`${i}-a`), 'Image Position': 1 }), 'joined');
    if (i === 300)
      sheet.add(`thing-x,"A quote that nobody closes,${'x,'.repeat(OLD.length - 3)}`, {
        problem: 'a quote is opened and never closed',
      });
    if (i === 500) sheet.add('thing-y,cut off,here', { problem: `it has 3 cells, the header has ${OLD.length}` });
  }
  const many = Array.from({ length: 12 }, (_, i) => picture(`many-${i}`));
  for (const [i, url] of many.entries()) {
    const cells = { Handle: 'many', 'Image Src': url, 'Image Position': i + 1, ...(i === 0 && { Title: 'Many' }) };
    sheet.add(row(cells), i === 0 ? { stored: 'many', row: { images: many.slice(0, 10) } } : 'joined');
  }
  sheet.add(row({ Handle: 'thing-1', Title: 'Again', 'Image Src': picture(1) }), {
    problem: 'id thing-1 was already on line',
  });
  sheet.add(row({ Title: 'Without a handle', 'Image Src': picture(1) }), { problem: 'id is missing' });
  sheet.expected.notes.push('read as an export of Shopify: id from handle', 'of 1 products with more than 10 pictures');
  return sheet.done('products_export_1.csv', { currency: 'EUR' });
}

const NEW = [
  ...['Title', 'URL handle', 'Description', 'Vendor', 'Product category', 'Type', 'Tags', 'Published on online store'],
  ...['Status', 'SKU', 'Barcode', 'Option1 name', 'Option1 value', 'Price', 'Compare-at price', 'Charge tax'],
  ...['Inventory tracker', 'Inventory quantity', 'Continue selling when out of stock', 'Weight value (grams)'],
  ...['Product image URL', 'Image position', 'Image alt text', 'Variant image URL', 'Gift card', 'SEO title'],
];

/** The product export as it is since 2025, and nobody said in which currency. */
export function newShopify(products = 1000): ShopCatalog {
  const sheet = new Sheet('\r\n');
  const row = byName(NEW);
  sheet.add(`\ufeff${row(Object.fromEntries(NEW.map((name) => [name, name])))}`);
  for (let i = 0; i < products; i++) {
    const isHidden = i % 40 === 3;
    const first = {
      Title: titleOf(i),
      'URL handle': `n-${i}`,
      'Published on online store': isHidden ? 'FALSE' : 'TRUE',
      Status: 'Active',
      Price: priceOf(i),
      'Product image URL': picture(i),
      'Image position': 1,
      'Inventory tracker': '',
      'Inventory quantity': 0,
      'Continue selling when out of stock': 'DENY',
    };
    sheet.add(
      row(first),
      isHidden
        ? { passedOver: 'it is not published' }
        : { stored: `n-${i}`, row: { price: null, currency: null, available: true } },
    );
    if (i % 5 === 0)
      sheet.add(
        row({ 'URL handle': `n-${i}`, 'Option1 value': 'L', Price: '7.00', 'Inventory quantity': 2 }),
        'joined',
      );
  }
  sheet.expected.notes.push('read as an export of Shopify: id from url_handle', 'the file names no currency');
  return sheet.done('products_export_2.csv');
}
