import { SimiliError } from '../../errors.ts';

/** A value that cannot be read: `why` is told by its column. */
export class Unreadable {
  constructor(readonly why: string) {}
}

export type MoneyOptions = {
  /** BCP 47: whose decimal comma and grouping the prices have. Without it, a decimal point and no grouping. */
  locale?: string | undefined;
  /** ISO 4217, of prices that name none. */
  currency?: string | undefined;
};

/** Signs that stand for one currency only. */
const SIGNS: Record<string, string> = {
  '€': 'EUR',
  '£': 'GBP',
  '₹': 'INR',
  '₺': 'TRY',
  '₴': 'UAH',
  '₪': 'ILS',
  zł: 'PLN',
  Kč: 'CZK',
};
/** The last ones say less than a currency: that is --currency's. */
const sign = `${Object.keys(SIGNS).join('|')}|\\$|¥|kr\\.?`;
/** A number with a currency before or behind it, or none. */
const PRICE = new RegExp(
  `^(?:([A-Za-z]{3})\\s*|(${sign})\\s*)?(\\d(?:[\\d.,'’\\s]*\\d)?)\\s*(?:([A-Za-z]{3})|(${sign}))?$`,
);
const LONGEST_PRICE = 40;

/**
 * Reads prices as shops write them: `19.90 EUR`, `€ 19.90`, with a locale `1.234,50 €`. Nothing is guessed: without a locale
 * a comma is refused.
 * @throws SimiliError INVALID_ARGUMENT for a locale or a currency that is none
 */
export function readMoney({ locale, currency }: MoneyOptions) {
  if (currency !== undefined && !/^[A-Z]{3}$/.test(currency)) {
    throw new SimiliError('INVALID_ARGUMENT', {
      argument: 'currency',
      why: `must be three capitals, like EUR, not ${currency}`,
    });
  }
  const toDecimal = locale === undefined ? plain : decimalsOf(locale);
  /**
   * @param column what the row's own column says of the currency
   * @returns the number as text, if it is one, and the currency that stands beside it; where these two are in dispute, no number
   */
  return (written: unknown, column?: unknown): { price: unknown; currency: string | undefined } => {
    const text = typeof written === 'string' ? written.trim() : '';
    const [, codeBefore, signBefore, digits, codeBehind, signBehind] =
      (text.length <= LONGEST_PRICE && PRICE.exec(text)) || [];
    if (digits === undefined) return { price: written, currency };
    const named = (codeBefore ?? codeBehind ?? SIGNS[signBefore ?? signBehind ?? ''])?.toUpperCase();
    const other = String(column ?? '').trim();
    if (named && other && other.toUpperCase() !== named)
      return { price: new Unreadable(`is in ${named}, and currency says ${other}`), currency: named };
    return { price: toDecimal(digits), currency: named ?? currency };
  };
}

/** Zeros beyond the four decimals that are kept say nothing: databases write 19.900000. */
const plain = (digits: string): string => digits.replace(/(\.\d{4})0+$/, '$1');

function decimalsOf(locale: string): (digits: string) => unknown {
  const { decimal, groups, sizes } = separatorsOf(locale);
  const group = `[${groups.map((one) => `\\${one}`).join('')}]`;
  const shape = new RegExp(`^(\\d{1,3}(?:${group}\\d{${sizes}})*${group}\\d{3}|\\d+)(?:\\${decimal}(\\d+))?$`);
  const example = new Intl.NumberFormat(locale, { numberingSystem: 'latn', minimumFractionDigits: 2 }).format(12345.5);
  return (digits) => {
    const [, whole, fraction] = shape.exec(digits) ?? [];
    if (whole === undefined) return new Unreadable(`${digits} is not written as in ${locale}: ${example}`);
    return plain(`${whole.replace(/\D/g, '')}${fraction === undefined ? '' : `.${fraction}`}`);
  };
}

/** Blanks and apostrophes of which a keyboard has one for all. */
const KIN = ["'’", ' \u00a0\u202f\u2009'];

/** Separators of numbers and of prices, which some countries group differently. `sizes`: of groups before the last, as in a pattern. */
function separatorsOf(locale: string): { decimal: string; groups: string[]; sizes: string } {
  if (!isLocale(locale)) {
    throw new SimiliError('INVALID_ARGUMENT', { argument: 'locale', why: `must be one like de-DE, not ${locale}` });
  }
  const partsOf = (style: Intl.NumberFormatOptions) =>
    new Intl.NumberFormat(locale, { numberingSystem: 'latn', ...style }).formatToParts(12345678.5);
  const numbers = partsOf({});
  const parts = [...numbers, ...partsOf({ style: 'currency', currency: 'EUR' })];
  const decimal = parts.find(({ type }) => type === 'decimal')?.value ?? '.';
  const groups = parts
    .filter(({ type }) => type === 'group')
    .flatMap(({ value }) => [...(KIN.find((some) => some.includes(value)) ?? value)]);
  const [, second] = numbers.filter(({ type }) => type === 'integer');
  const sizes = second?.value.length === 2 ? '2' : '3'; // 1,23,45,678 in India
  return { decimal, groups: [...new Set(groups)].filter((one) => one !== decimal), sizes };
}

function isLocale(text: string): boolean {
  try {
    return Intl.NumberFormat.supportedLocalesOf(text).length > 0;
  } catch {
    return false;
  }
}
