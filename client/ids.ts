const random = (bytes: number): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(bytes)), (byte) => byte.toString(16).padStart(2, '0')).join('');

/** A pseudonym: 128 random bits in hexadecimal, which say nothing of when or where they were drawn. */
export const makeVisitorId = (): string => random(16);

/**
 * An RFC 9562 UUID, version 7: ids sort as their events happened. Also on plain http, where `crypto.randomUUID` does not exist.
 * @param now milliseconds since 1970
 */
export function makeEventId(now: number): string {
  const time = now.toString(16).padStart(12, '0');
  const rest = random(10);
  const variant = ((Number.parseInt(rest.charAt(4), 16) & 3) | 8).toString(16);
  return `${time.slice(0, 8)}-${time.slice(8)}-7${rest.slice(1, 4)}-${variant}${rest.slice(5, 8)}-${rest.slice(8)}`;
}

/** Milliseconds since 1970 at which an event id was made. */
export const timeOf = (eventId: string): number => Number.parseInt(eventId.slice(0, 8) + eventId.slice(9, 13), 16);
