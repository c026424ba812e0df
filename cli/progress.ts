import type { Progress } from '@simili/lab/progress';
import { SingleBar } from 'cli-progress';

/** A bar on a terminal; in a log file a line at every fifth. `total` 0: not known, nothing is drawn. */
export function showProgress(label: string, total: number, out: NodeJS.WriteStream = process.stdout): Progress {
  if (total === 0) return { update() {}, stop() {} };
  return out.isTTY ? bar(label, total, out) : lines(label, total, out);
}

/** Progress and lines for commands whose output is on stdout. */
export const onStderr = {
  showProgress: (label: string, total: number): Progress => showProgress(label, total, process.stderr),
  say: (line: string): void => void process.stderr.write(`${line}\n`),
};

function bar(label: string, total: number, out: NodeJS.WriteStream): Progress {
  const single = new SingleBar({
    format: `  ${label} [{bar}] {value}/{total}`,
    stream: out,
    hideCursor: true,
    barsize: 30,
  });
  single.start(total, 0);
  return { update: (done) => single.update(done), stop: () => single.stop() };
}

function lines(label: string, total: number, out: NodeJS.WriteStream): Progress {
  let told = 0;
  return {
    update(done) {
      const fifth = Math.floor((5 * done) / total);
      if (fifth <= told) return;
      told = fifth;
      out.write(`  ${label} ${done}/${total}\n`);
    },
    stop() {},
  };
}
