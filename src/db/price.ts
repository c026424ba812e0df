/** An exact decimal as it crosses the API: no exponent, at least two digits behind the point. */
export function withCents(decimal: string): string {
  const [whole, fraction = ''] = decimal.split('.');
  return `${whole}.${fraction.padEnd(2, '0')}`;
}
