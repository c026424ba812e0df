import type { MedusaContainer } from '@medusajs/framework/types';
import { SIMILI } from '../modules/simili';
import type SimiliService from '../modules/simili/service';
import { sendAll, sendProducts } from '../simili-sync';

/** All products go once at the start, and then in as many runs, an hour: what has no event about its products (stock, prices of a list), and what another process kept. */
const RUNS = 360;
let run = 0;

/** Sends again what did not arrive; what does not now is kept for the next run. */
export default async function catchUp(container: MedusaContainer): Promise<void> {
  const simili = container.resolve<SimiliService>(SIMILI);
  const ids = simili.take();
  try {
    if (run % RUNS === 0) await sendAll(container);
    else await sendProducts(container, ids);
    run++;
  } catch (error) {
    simili.keep(ids);
    throw error;
  }
}

export const config = { name: 'simili', schedule: '*/10 * * * * *' };
