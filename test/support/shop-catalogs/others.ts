import { byName, germanPriceOf, picture, priceOf, Sheet, type ShopCatalog, titleOf } from './sheet.ts';

const AKENEO = [
  'sku',
  'family',
  'parent',
  'groups',
  'categories',
  'enabled',
  'name-en_US',
  'name-de_DE',
  'description-en_US-ecommerce',
  'image',
  'price-USD',
  'price-EUR',
];

/** A product export of Akeneo with files beside it; two languages, two currencies, decimal commas. */
export function akeneo(products = 1000): ShopCatalog {
  const sheet = new Sheet();
  const row = byName(AKENEO, ';');
  sheet.add(AKENEO.join(';'));
  for (let i = 0; i < products; i++) {
    const isOff = i % 45 === 6;
    const noImage = i % 80 === 13;
    sheet.add(
      row({
        sku: `A-${i}`,
        family: i % 2 ? 'shoes' : 'bags',
        parent: i % 4 === 0 ? `model-${i}` : '',
        enabled: isOff ? 0 : 1,
        categories: 'master_shoes,summer',
        'name-en_US': `Thing ${i}`,
        'name-de_DE': titleOf(i),
        'price-USD': '1,00',
        'price-EUR': germanPriceOf(i),
        image: noImage ? '' : `files/image/p ${i}.jpg`,
      }),
      isOff
        ? { passedOver: 'it is not enabled' }
        : noImage
          ? { problem: 'image is empty' }
          : {
              stored: `A-${i}`,
              row: {
                title: titleOf(i),
                price: priceOf(i),
                currency: 'EUR',
                categories: [i % 2 ? 'shoes' : 'bags'],
                tags: ['master_shoes', 'summer'],
                groupId: i % 4 === 0 ? `model-${i}` : null,
              },
            },
    );
  }
  sheet.expected.notes.push('read as an export of Akeneo: id from sku');
  return sheet.done('products.csv', { locale: 'de-DE', currency: 'EUR' });
}

/** A dump of a shop's own API: a JSON array, printed over several lines, with elements that some editor broke. */
export function jsonArray(products = 1000): ShopCatalog {
  const sheet = new Sheet();
  sheet.add('[');
  for (let i = 0; i < products; i++) {
    const last = i === products - 1 ? '' : ',';
    const product = {
      id: i,
      title: titleOf(i),
      image: [picture(i)],
      price: Number(priceOf(i)),
      currency: 'EUR',
      available: i % 2 === 0,
      tags: null,
      url: null,
      categories: ['Home', 'Ärzte'],
      nested: { a: [1, 2, { b: '}' }] },
    };
    const text = JSON.stringify(product, null, 2).replace(/^/gm, '  ');
    const isBroken = i % 170 === 23;
    const noImage = i % 140 === 30;
    sheet.add(
      `${isBroken ? text.replace('"title": "', '"title": "19" ') : noImage ? text.replace('"image"', '"picture"') : text}${last}`,
      isBroken
        ? { problem: 'it is not JSON' }
        : noImage
          ? { problem: 'image is empty' }
          : {
              stored: String(i),
              row: { title: titleOf(i), price: String(Number(priceOf(i))), available: i % 2 === 0 },
            },
    );
  }
  sheet.add(']');
  sheet.expected.notes.push('"nested" is not read');
  return sheet.done('dump.json');
}

const GERMAN = ['Artikelnummer', 'Bezeichnung', 'Bild 1', 'Bild 2', 'Preis', 'Lieferbar', 'Lagerort'];

/** A table that somebody keeps in a spreadsheet, with columns of his own and what people write into cells. */
export function spreadsheet(products = 1000): ShopCatalog {
  const sheet = new Sheet('\r\n');
  const row = byName(GERMAN, ';');
  sheet.add('sep=;');
  sheet.add(GERMAN.join(';'));
  for (let i = 0; i < products; i++) {
    const word = i % 90 === 12 ? 'bald wieder' : i % 3 === 0 ? 'no' : 'yes';
    const price = i % 110 === 40 ? 'auf Anfrage' : `${germanPriceOf(i)} €`;
    const why = [
      ...(i % 110 === 40 ? ['price must look like 19.90, or as --locale says'] : []),
      ...(word === 'bald wieder' ? ['available must be true or false'] : []),
    ];
    sheet.add(
      row({
        Artikelnummer: `0${i}`,
        Bezeichnung: titleOf(i),
        'Bild 1': picture(i),
        'Bild 2': i % 2 ? picture(`${i}-b`) : '',
        Preis: price,
        Lieferbar: word,
      }),
      why.length > 0
        ? { problem: why.join('; ') }
        : {
            stored: `0${i}`,
            row: {
              title: titleOf(i),
              price: priceOf(i),
              currency: 'EUR',
              available: word === 'yes',
              images: [picture(i), ...(i % 2 ? [picture(`${i}-b`)] : [])],
            },
          },
    );
  }
  for (let i = 0; i < 300; i++) sheet.add(';'.repeat(GERMAN.length - 1));
  const map = 'id=Artikelnummer,title=Bezeichnung,image=Bild 1|Bild 2,price=Preis,available=Lieferbar';
  sheet.expected.notes.push('"lagerort" is not read');
  return sheet.done('Artikel.csv', { map, locale: 'de-DE' });
}
