/** Exact decimals as they cross the API: no exponent, at most 20 digits before and after the point. */
const DECIMAL = /^(-?)(\d{1,20})(?:\.(\d{1,20}))?$/;
const SCALE = 20;
/** Words for what `isDecimal` wants, behind "is" or "must be". */
export const A_DECIMAL = 'text like "19.90": at most 20 digits before and after one point, no exponent';

export const isDecimal = (text: string): boolean => DECIMAL.test(text);

/** Negative, zero or positive as a < b, a = b, a > b. Both must be decimals. */
export function compareDecimals(a: string, b: string): number {
  const difference = scaled(a) - scaled(b);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

/** Digits before and after the point, leading and trailing zeros left out. */
export function digitsOf(decimal: string): { whole: number; fraction: number } {
  const [, , whole = '', fraction = ''] = DECIMAL.exec(decimal) ?? [];
  return {
    whole: whole.replace(/^0+/, '').length,
    fraction: fraction.replace(/0+$/, '').length,
  };
}

function scaled(decimal: string): bigint {
  const [, sign, whole = '0', fraction = ''] = DECIMAL.exec(decimal) ?? [];
  return BigInt(`${sign}${whole}${fraction.padEnd(SCALE, '0')}`);
}
