import { openHost } from '../../../../workers/hosts/rpc.ts';
import type { UnrulyApi } from './unruly-host.ts';

/** A parent that a test can kill: prints the pid of its child, then waits for a call that never ends. */
const host = openHost<UnrulyApi>(new URL('./unruly-host.ts', import.meta.url), {
  label: 'the host',
});
await host.call('pause', 0);
process.stdout.write(`${host.pid}\n`);
await host.call('untilCancelled', null);
