import { Writable } from 'node:stream';
import { defineCommand } from 'citty';
import { beforeEach, expect, test } from 'vitest';
import { dispatch } from '../../../cli/dispatch.ts';

let ran: Record<string, unknown>[];
beforeEach(() => {
  ran = [];
  loaded = [];
});

const load = defineCommand({
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
/** Commands that were loaded. */
let loaded: string[];
const lazy = (name: string) => ({
  about: `About ${name}`,
  load: async () => {
    loaded.push(name);
    return load;
  },
});
const root = {
  name: 'shop',
  version: '1.2.3',
  about: 'A shop',
  commands: { load: lazy('load'), model: { about: 'Models', commands: { load: lazy('model load') } } },
};

/** Runs a command line. @returns what was printed; a terminal gets colours, everything else plain text. */
async function run(args: string[], isTTY = false, settings?: () => string): Promise<string> {
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
  [['load', 'x', '--demo=no'], 'takes true or false for --demo, not no'],
  [['load'], 'shop load needs SOURCE: Folder or file'],
  [['load', ''], 'shop load needs SOURCE: Folder or file'],
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
  const settings = () => 'SETTINGS\n  PORT';
  expect(await run(['--help'], false, settings)).toMatch(/load[\s\S]*\nSETTINGS\n {2}PORT\n$/);
  const command = await run(['load', '--help'], false, () => {
    throw new Error('asked for by nobody');
  });
  expect(command).toMatch(/\nSettings: shop --help\n$/);
});

test('help of a group says what its commands are for and loads none; help of a command loads that one', async () => {
  expect(await run(['--help'])).toMatch(/A shop \(shop v1\.2\.3\)[\s\S]*load +About load\n\s*model +Models\n/);
  expect(await run(['model', '--help'])).toMatch(/Models \(shop model v1\.2\.3\)[\s\S]*load +About model load\n/);
  expect(loaded).toEqual([]);
  expect(await run(['model', 'load', '--help'])).toMatch(
    /^About model load \(shop model load v1\.2\.3\)\n\nUSAGE shop model load \[OPTIONS\] <SOURCE>\n/,
  );
  expect(loaded).toEqual(['model load']);
});

test('a command whose package is not installed says which, and the line that installs it', async () => {
  const missing = (name: string) =>
    Object.assign(new Error(`Cannot find package '${name}' imported from /shop/dist/cli/commands/worker.js`), {
      code: 'ERR_MODULE_NOT_FOUND',
    });
  const worker = (needs: string, name = needs) => ({
    ...root,
    commands: {
      worker: { about: 'Works', needs, load: () => Promise.reject(missing(name)) },
      other: { about: 'Others', needs: '@simili/worker', load: async () => load },
    },
  });
  let help = '';
  const out = {
    write: (text: string) => {
      help += text;
    },
  } as unknown as NodeJS.WriteStream;
  await dispatch(worker('@simili/nowhere'), ['--help'], out);
  expect(help).toMatch(
    /worker +\(needs the package @simili\/nowhere: npm install @simili\/nowhere@\d+\.[^\n]*\)\n\s*other +Others\n/,
  );
  await expect(dispatch(worker('@simili/nowhere'), ['worker'], out)).rejects.toMatchObject({
    code: 'PACKAGE_MISSING',
    message: expect.stringMatching(
      /^shop worker needs the package @simili\/nowhere: npm install @simili\/nowhere@\d+\./,
    ),
  });
  await expect(dispatch(worker('', 'somebody-elses'), ['worker'], out)).rejects.toThrow("'somebody-elses'");
});
