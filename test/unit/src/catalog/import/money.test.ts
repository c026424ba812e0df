import { expect, test } from 'vitest';
import { readMoney, Unreadable } from '../../../../../src/catalog/import/money.ts';

test.each([
  [undefined, '19.90', '19.90', undefined],
  [undefined, ' 19.90 EUR ', '19.90', 'EUR'],
  [undefined, 'usd 5', '5', 'USD'],
  [undefined, '€19.90', '19.90', 'EUR'],
  [undefined, '7 zł', '7', 'PLN'],
  [undefined, '19.900000', '19.9000', undefined],
  ['de-DE', '1.234,50 €', '1234.50', 'EUR'],
  ['de-DE', '1234,5', '1234.5', undefined],
  ['de-DE', '1.234', '1234', undefined],
  ['en-US', '1,234.50', '1234.50', undefined],
  ['fr-FR', '1\u202f234,50 €', '1234.50', 'EUR'],
  ['fr-FR', '1 234,50', '1234.50', undefined],
  ['de-CH', "CHF 1'234.50", '1234.50', 'CHF'],
  ['de-CH', '1’234.50', '1234.50', undefined],
  ['en-IN', '₹ 12,34,567.50', '1234567.50', 'INR'],
  ['es-ES', '12.345,00', '12345.00', undefined],
])('in %s %j is %s %s', (locale, written, price, currency) => {
  expect(readMoney({ locale })(written)).toEqual({ price, currency });
});

test.each([
  ['de-DE', '19.90'],
  ['de-DE', '1.23,50'],
  ['de-DE', '1.23.456'],
  ['en-US', '1.234,50'],
  ['fr-FR', '1.234,50'],
])('in %s %j is nothing that may be guessed', (locale, written) => {
  const { price } = readMoney({ locale })(written);
  expect(price).toBeInstanceOf(Unreadable);
  expect((price as Unreadable).why).toContain(`${written} is not written as in ${locale}`);
});

test('without a locale a comma stays, and is refused by the row; what is no price is left as it is', () => {
  for (const written of ['19,90', '1,234.50', 'free', '5 EURO', '-1', '', 19.9, null, undefined, ['5']]) {
    expect(readMoney({})(written).price).toEqual(written);
  }
});

test('a currency that is named goes before the one of all; a sign of several gets that one', () => {
  const money = readMoney({ currency: 'CAD' });
  expect(['5 EUR', '5', '$5', '5 kr'].map((text) => money(text).currency)).toEqual(['EUR', 'CAD', 'CAD', 'CAD']);
});

test.each([
  [{ locale: 'german' }, 'locale must be one like de-DE, not german'],
  [{ locale: 'de_DE' }, 'locale must be one like de-DE, not de_DE'],
  [{ currency: 'euro' }, 'currency must be three capitals, like EUR, not euro'],
])('%j is refused', (options, message) => {
  expect(() => readMoney(options)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT', message }));
});

test('a long cell costs no more than its length', () => {
  const start = process.cpuUsage();
  readMoney({ locale: 'de-DE' })(`EUR 1${' '.repeat(1_000_000)}x`);
  expect(process.cpuUsage(start).user).toBeLessThan(100_000); // microseconds
});
