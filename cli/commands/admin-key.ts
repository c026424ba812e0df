import { defineCommand } from 'citty';
import { rotateAdminKey } from '../../src/keys.ts';
import { openApp } from '../app.ts';

export const adminKey = defineCommand({
  meta: {
    name: 'admin-key',
    description: 'Make a new admin key and print it; the old one ends. (Not with SIMILI_ADMIN_KEY.)',
  },
  async run() {
    const app = await openApp();
    process.stdout.write(`${await rotateAdminKey(app.repositories.settings, app.config)}\n`);
    await app.queue.close();
    await app.storage.close();
  },
});
