import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { startFleet } from '@simili/worker/fleet';
import { defineCommand } from 'citty';
import { type Config, loadConfig } from '../../src/config.ts';
import { openApp } from '../app.ts';
import { serveApi } from '../serve-api.ts';
import { startControl } from '../shop/control-server.ts';
import { tellOfProgress } from '../tell-progress.ts';
import { untilStopped } from '../until-stopped.ts';

/** Back to the begin of the line, and nothing behind it: a progress bar is drawn again below what is said. */
const OVER_A_BAR = '\r\x1b[K';

export const start = defineCommand({
  args: { demo: { type: 'boolean', description: 'Load the demo catalog into an empty database', default: true } },
  async run({ args }) {
    const since = performance.now();
    const say = (text: string) => {
      const seconds = ((performance.now() - since) / 1000).toFixed(1).padStart(6);
      process.stdout.write(`${process.stdout.isTTY ? OVER_A_BAR : ''}${seconds} s  ${text}\n`);
    };
    const config = loadConfig();
    say(whatIsOpened(config));
    const app = await openApp(config);
    const api = await serveApi(app);
    say(`${app.storage.version}; API at ${api.url}`);
    if (api.newAdminKey) {
      say(`Admin key, shown this once: ${api.newAdminKey}`);
      say(`Open ${api.url}#admin=${api.newAdminKey} to watch it learn`);
    } else say(`Open ${api.url} to look around`);
    const endControl = app.storage.kind === 'pglite' ? await startControl(app) : async () => {};
    const fleet = startFleet({ ...app, alone: app.storage.kind === 'pglite' });
    const stopped = new AbortController();
    const done = untilStopped(
      async () => {
        stopped.abort();
        await endControl();
        await api.close();
        await (await fleet).close();
        await app.storage.close();
      },
      { begin: api.stopSoon, seconds: app.config.SIMILI_DRAIN_SECONDS },
    );
    await fleet;
    await tellOfProgress(app, args.demo, say, stopped.signal).catch((error: unknown) => {
      if (!stopped.signal.aborted) throw error;
    });
    await done;
  },
});

/** Nothing more can be told until it is open, and to make an embedded database takes longest. */
const whatIsOpened = ({ DATABASE_URL, SIMILI_DATA_DIR: dir }: Config): string =>
  DATABASE_URL || existsSync(join(dir, 'database'))
    ? 'Opening the database'
    : `Making a database in ${dir}: nothing is heard of it for some seconds, on a busy machine for a minute or two`;
