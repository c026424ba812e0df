import { defineCommand } from 'citty';
import { openApp } from '../app.ts';

export const migrate = defineCommand({
  async run() {
    const { storage, queue } = await openApp();
    process.stdout.write(`${storage.version}: schema up to date\n`);
    await queue.close();
    await storage.close();
  },
});
