import { defineCommand } from 'citty';
import { loadConfig } from '../../src/config.ts';
import { openStorage } from '../../src/db/open-storage.ts';

export const migrate = defineCommand({
  meta: { name: 'migrate', description: 'Bring the database to the newest schema. Every other command does so too.' },
  async run() {
    const storage = await openStorage(loadConfig());
    process.stdout.write(`${storage.version}: schema up to date\n`);
    await storage.close();
  },
});
