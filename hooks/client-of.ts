import { SimiliClient } from '@simili/client';

const made = new Map<string, SimiliClient>();

/** The client itself, or the one for the address of a Simili: a page has one for each, however many lists it shows. */
export function clientOf(simili: SimiliClient | string): SimiliClient {
  if (typeof simili !== 'string') return simili;
  const client = made.get(simili) ?? new SimiliClient({ url: simili });
  made.set(simili, client);
  return client;
}
