/** An exact decimal as it crosses the API: no exponent, at least two digits behind the point. */
export function withCents(decimal: string): string {
  const point = decimal.indexOf('.');
  if (point < 0) return `${decimal}.00`;
  return point === decimal.length - 2 ? `${decimal}0` : decimal;
}
