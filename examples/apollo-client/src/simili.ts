import { SimiliClient } from '@simili/client';

/** Where Simili is. */
export const url = 'http://localhost:4000';

export const simili = new SimiliClient({ url });
