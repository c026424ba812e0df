import { Writable } from 'node:stream';
import { defineCommand } from 'citty';
import { beforeEach, expect, test } from 'vitest';
import { dispatch } from '../../../cli/dispatch.ts';

let ran: Record<string, unknown>[];
beforeEach(() => {
  ran = [];
});

const load = defineCommand({
  meta: { name: 'load', description: 'Loads' },
  args: {
    source: { type: 'positional', description: 'Folder or file', required: true },
    demo: { type: 'boolean', description: 'Demo pictures too', default: true },
    out: { type: 'string', description: 'File' },
    format: { type: 'enum', options: ['csv', 'json'], description: 'Of the file' },
  },
  run({ args }) {
    ran.push({ source: args.source, demo: args.demo, out: args.out, format: args.format });
  },
});
const root = defineCommand({
  meta: { name: 'shop', version: '1.2.3', description: 'A shop' },
  subCommands: {
    load: async () => load,
    model: async () =>
      defineCommand({ meta: { name: 'model', description: 'Models' }, subCommands: { load: async () => load } }),
  },
});

/** Runs a command line. @returns what was printed; a terminal gets colours, everything else plain text. */
async function run(args: string[], isTTY = false, settings?: string): Promise<string> {
  let text = '';
  const sink = new Writable({
    write(chunk, _encoding, done) {
      text += chunk;
      done();
    },
  });
  await dispatch(root, args, Object.assign(sink, { isTTY }) as unknown as NodeJS.WriteStream, settings);
  return text;
}

test('a command runs with what was typed behind it', async () => {
  await run(['load', 'a.csv', '--no-demo', '--out=x', '--format', 'json']);
  await run(['model', 'load', '--out', '-', '--', '--strange-name']);
  expect(ran).toEqual([
    { source: 'a.csv', demo: false, out: 'x', format: 'json' },
    { source: '--strange-name', demo: true, out: '-', format: undefined },
  ]);
});

test.each([
  [['load', 'x', '--dry-run'], 'shop load has no option --dry-run (it has --demo, --out, --format)'],
  [['load', 'x', '--dry-run=yes'], 'has no option --dry-run'],
  [['load', 'x', '-n'], 'has no option -n'],
  [['load', 'x', '--no-out'], 'needs a value behind --no-out'],
  [['load', 'x', '--port', '99'], 'has no option --port: set PORT in the environment'],
  [['load', 'x', '--engine', 'onnx'], 'has no option --engine: set SIMILI_ENGINE in the environment'],
  [['load', 'x', '--source', 'y'], 'has no option --source'],
  [['load', 'x', '--out'], 'needs a value behind --out'],
  [['load', 'x', '--format', 'xml'], 'takes csv or json for --format, not xml'],
  [['load'], 'shop load needs SOURCE: Folder or file'],
  [['load', 'x', 'y'], 'takes 1 argument, not 2'],
  [['model', 'bogus'], 'shop model has no command bogus; see shop model --help'],
  [['toString'], 'shop has no command toString'],
  [['--dry-run', 'load', 'x'], 'shop has no command --dry-run'],
])('%j is refused in one sentence, and nothing is done', async (args, why) => {
  await expect(run(args)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', message: expect.stringContaining(why) });
  expect(ran).toEqual([]);
});

test('help has colours on a terminal only, and --version is one line', async () => {
  const piped = await run(['load', '--help']);
  expect(piped).toContain('--format=<csv|json>');
  expect(piped).not.toContain('\u001B');
  expect(await run(['model', 'load', 'x', '-h'])).toContain('USAGE');
  expect(await run(['--version'])).toBe('1.2.3\n');
  expect(ran).toEqual([]);
});

test('help of the root lists the settings, and help of a command says where they are', async () => {
  expect(await run(['--help'], false, 'SETTINGS\n  PORT')).toMatch(/load[\s\S]*\nSETTINGS\n {2}PORT\n$/);
  const command = await run(['load', '--help'], false, 'SETTINGS');
  expect(command).toMatch(/\nSettings: shop --help\n$/);
  expect(command).not.toContain('SETTINGS');
});

test('a command whose package is not installed says which, and the line that installs it', async () => {
  const missing = (name: string) =>
    Object.assign(new Error(`Cannot find package '${name}' imported from /shop/dist/cli/commands/worker.js`), {
      code: 'ERR_MODULE_NOT_FOUND',
    });
  const worker = (name: string) =>
    defineCommand({ meta: { name: 'shop' }, subCommands: { worker: () => Promise.reject(missing(name)) } });
  const out = new Writable() as unknown as NodeJS.WriteStream;
  let help = '';
  const sink = {
    write: (text: string) => {
      help += text;
    },
  } as unknown as NodeJS.WriteStream;
  await dispatch(worker('@simili/worker'), ['--help'], sink);
  expect(help).toContain('needs the package @simili/worker: npm install @simili/worker@');
  await expect(dispatch(worker('@simili/worker'), ['worker'], out)).rejects.toMatchObject({
    code: 'PACKAGE_MISSING',
    message: expect.stringMatching(/^shop worker needs the package @simili\/worker: npm install @simili\/worker@\d+\./),
  });
  await expect(dispatch(worker('somebody-elses'), ['worker'], out)).rejects.toThrow("'somebody-elses'");
});
