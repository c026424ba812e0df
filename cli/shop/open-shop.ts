import { loadConfigFor } from '../../src/config.ts';
import { SimiliError } from '../../src/errors.ts';
import { type App, openApp } from '../app.ts';
import { findControl, runThere } from './control-client.ts';
import { type Input, type OperationName, type Output, operations, type Progress } from './operations.ts';

export type Shop = {
  /** Open in this process; null: in the server that holds the embedded database, and it does the work. */
  app: App | null;
  run<N extends OperationName>(name: N, input: Input<N>, tell?: (progress: Progress<N>) => void): Promise<Output<N>>;
  close(): Promise<void>;
};

/**
 * The shop that the configuration names, whether or not a server of this machine has it open.
 * @param catalog to work on; default: SIMILI_CATALOG.
 * @throws SimiliError as openApp does; DATA_DIR_LOCKED when its holder takes no commands.
 */
export async function openShop(catalog?: string): Promise<Shop> {
  const config = loadConfigFor(catalog);
  try {
    return openHere(await openApp(config, 'later'));
  } catch (error) {
    if (!(error instanceof SimiliError && error.code === 'DATA_DIR_LOCKED')) throw error;
    const socket = await findControl(config.SIMILI_DATA_DIR);
    if (!socket) throw error;
    return {
      app: null,
      run: (name, input, tell = () => {}) => runThere(socket, name, input, tell, config.SIMILI_CATALOG),
      close: async () => {},
    };
  }
}

function openHere(app: App): Shop {
  return {
    app,
    run: (name, input, tell = () => {}) => operations[name](app, input, tell),
    async close() {
      await app.queue.close();
      await app.storage.close();
    },
  };
}
