// Loaded into a server by --import: writes the longest time that its event loop was held, ms, since the file was last removed.
import { existsSync, writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';

const path = process.env.SIMILI_BENCH_HOLD;
if (path && process.argv[1]?.endsWith('main.js')) {
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  setInterval(() => {
    if (!existsSync(path)) delay.reset();
    writeFileSync(path, String(delay.max / 1e6));
  }, 250).unref();
}
