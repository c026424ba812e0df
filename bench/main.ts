import { parseArgs } from 'node:util';
import { latency } from './latency.ts';
import { startUp } from './start-up.ts';

/** npm run bench -- <name> [--json]. Every figure is measured in this run, against its limit or its peer. */
const benches: Record<string, () => Promise<Record<string, string | number>[]>> = { latency, 'start-up': startUp };

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean', default: false } },
});
const bench = benches[positionals[0] ?? ''];
if (!bench) {
  process.stderr.write(`Which one? npm run bench -- ${Object.keys(benches).join('|')} [--json]\n`);
  process.exit(2);
}
const rows = await bench();
if (values.json) for (const row of rows) process.stdout.write(`${JSON.stringify(row)}\n`);
else console.table(rows);
