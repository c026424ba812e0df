import { defineCommand } from 'citty';
import { openApp } from '../app.ts';

export const migrate = defineCommand({
  meta: {
    name: 'migrate',
    description: 'Bring the database, and the queue in it, to the newest schema. Every other command does so too.',
  },
  async run() {
    const { storage, queue } = await openApp();
    process.stdout.write(`${storage.version}: schema up to date\n`);
    await queue.close();
    await storage.close();
  },
});
