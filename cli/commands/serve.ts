import { defineCommand } from 'citty';
import { loadSharedConfig, openApp } from '../app.ts';
import { serveApi } from '../serve-api.ts';
import { untilStopped } from '../until-stopped.ts';

export const serve = defineCommand({
  async run() {
    const app = await openApp(loadSharedConfig());
    const api = await serveApi(app);
    process.stdout.write(`${app.storage.version}\nListening on ${api.url}\n`);
    if (api.newAdminKey) process.stdout.write(`Admin key, shown this once: ${api.newAdminKey}\n`);
    await untilStopped(
      async () => {
        await api.close();
        await app.queue.close();
        await app.storage.close();
      },
      { begin: api.stopSoon, seconds: app.config.SIMILI_DRAIN_SECONDS },
    );
  },
});
