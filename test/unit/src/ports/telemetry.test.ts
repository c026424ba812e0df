import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { packageFile } from '../../../../src/package-root.ts';
import {
  type Attributes,
  noTelemetry,
  type Span,
  soundTelemetry,
  type Telemetry,
} from '../../../../src/ports/telemetry.ts';
import { telemetryContract } from '../../../../src/testing/telemetry.ts';

/** Titles of the checks that are not passed. */
async function failed(telemetry: Telemetry): Promise<string[]> {
  const titles: string[] = [];
  for (const { title, run } of telemetryContract(telemetry)) await run().catch(() => titles.push(title));
  return titles;
}
const span = (change: (work: (span: Span) => Promise<unknown>) => unknown): Telemetry =>
  ({
    ...noTelemetry,
    span: (_name: string, _attributes: Attributes, work: (span: Span) => Promise<unknown>) => change(work),
  }) as Telemetry;
const open = { set() {} };
const broken: [string, Telemetry, RegExp][] = [
  ['has no counters', { span: noTelemetry.span } as Telemetry, /described well/],
  ['does the work twice', span((work) => work(open).then(() => work(open))), /does the work of a span once/],
  ['forgets the work', span(async () => undefined), /does the work of a span once/],
  [
    'breaks on attributes',
    span((work) =>
      work({
        set: () => {
          throw new Error('no');
        },
      }),
    ),
    /does the work of a span once/,
  ],
  ['swallows errors', span((work) => work(open).catch(() => null)), /rejects with what the work rejects with/],
  [
    'throws',
    span(() => {
      throw new Error('no exporter');
    }),
    /takes spans within spans/,
  ],
  [
    'counts nothing',
    {
      ...noTelemetry,
      count: () => {
        throw new Error('no');
      },
    },
    /takes counters/,
  ],
];

test('the default keeps the contract', async () => {
  expect(await failed(noTelemetry)).toEqual([]);
});

test.each(broken)('one that %s does not', async (_name, telemetry, title) => {
  expect(await failed(telemetry)).toContainEqual(expect.stringMatching(title));
});

test.each(broken.slice(1))('one that %s changes and stops nothing of what it tells of', async (_name, telemetry) => {
  expect(await failed(soundTelemetry(telemetry, () => {}))).toEqual([]);
});

test('a failure of it is told once', async () => {
  const told: unknown[] = [];
  const sound = soundTelemetry(
    span(() => {
      throw new Error('no exporter');
    }),
    (error) => told.push(error),
  );
  for (let i = 0; i < 3; i++) expect(await sound.span('simili.search', {}, async () => i)).toBe(i);
  expect(told).toMatchObject([{ message: 'no exporter' }]);
});

test('what the work rejects with is no failure of the telemetry, and left to nobody', async () => {
  const told: unknown[] = [];
  const sound = soundTelemetry(noTelemetry, (error) => told.push(error));
  await expect(sound.span('simili.search', {}, () => Promise.reject(new Error('away')))).rejects.toThrow('away');
  expect(told).toEqual([]);
});

test('docs/extending.md lists every span and counter, and no other', () => {
  const named = (text: string) => [...new Set(text.match(/simili\.[a-z_]+(?=['`])/g))].sort();
  const docs = readFileSync(packageFile('docs/extending.md'), 'utf8');
  const table = docs.slice(docs.indexOf('## Telemetry'), docs.indexOf('##', docs.indexOf('## Telemetry') + 5));
  const source = readFileSync(packageFile('src/ports/telemetry.ts'), 'utf8');
  expect(named(table)).toEqual(named(source.slice(0, source.indexOf('export type Attributes'))));
});
