import { startFleet } from '@simili/worker/fleet';
import { defineCommand } from 'citty';
import { SimiliError } from '../../src/errors.ts';
import { type QueueName, queueNames } from '../../src/queue/jobs.ts';
import { loadSharedConfig, openApp } from '../app.ts';
import { untilStopped } from '../until-stopped.ts';

export const worker = defineCommand({
  args: {
    queues: {
      type: 'string',
      description: `Comma separated, of ${queueNames.join(', ')}`,
      default: queueNames.join(','),
    },
  },
  async run({ args }) {
    const queues = parseQueues(args.queues);
    const app = await openApp(loadSharedConfig());
    const fleet = await startFleet({ ...app, queues, alone: false });
    process.stdout.write(`${app.storage.version}\nWorking on ${queues.join(', ')}\n`);
    await untilStopped(async () => {
      await fleet.close();
      await app.storage.close();
    });
  },
});

function parseQueues(list: string): QueueName[] {
  const names = list.split(',').map((name) => name.trim());
  const unknown = names.filter((name) => !queueNames.includes(name as QueueName));
  if (unknown.length) {
    throw new SimiliError('INVALID_ARGUMENT', {
      argument: '--queues',
      why: `does not know ${unknown.join(', ')}: use ${queueNames.join(', ')}`,
    });
  }
  return names as QueueName[];
}
