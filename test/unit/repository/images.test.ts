import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import { queueNames } from '../../../src/queue/jobs.ts';

const root = new URL('../../../', import.meta.url);
const textOf = (file: string): string => readFileSync(new URL(file, root), 'utf8');

/** `name:tag@sha256:digest`: the tag is for people, the digest is what is fetched. */
const BY_DIGEST = /^[\w./-]+:[\w.-]+@sha256:[0-9a-f]{64}$/;
const POSTGRES = /^pgvector\/pgvector:(\d+)\.(\d+)\.(\d+)-pg\d+/;

/** Images that others publish, where no variable of the operator names another. */
const foreignImages = {
  // ${NAME:-default}; what is built here is named `simili`.
  'docker-compose.yml': [...textOf('docker-compose.yml').matchAll(/_IMAGE:-([^}]+)}/g)].map(([, image]) => image),
  'docker/Dockerfile': argumentsOf('docker/Dockerfile'),
  'docker/Dockerfile.gpu': argumentsOf('docker/Dockerfile.gpu'),
};

function argumentsOf(file: string): (string | undefined)[] {
  return [...textOf(file).matchAll(/^ARG \w+_IMAGE=(.+)$/gm)].map(([, image]) => image);
}

test.each(Object.entries(foreignImages))('%s names the images of others by digest', (_, images) => {
  expect(images.length).toBeGreaterThan(0);
  for (const image of images) expect(image).toMatch(BY_DIGEST);
});

test('the image for GPUs has the CUDA for which the library that it fetches is built', () => {
  const require = createRequire(import.meta.url);
  const { requirements } = require('onnxruntime-node/script/install-metadata.js');
  const [built = ''] = requirements['linux/x64'];
  expect(built).toMatch(/^cuda\d+$/);
  const [cuda = ''] = foreignImages['docker/Dockerfile.gpu'].filter((image) => image?.startsWith('nvidia/'));
  expect(cuda).toMatch(new RegExp(`^nvidia/cuda:${built.replace('cuda', '')}\\.\\d+\\.\\d+-cudnn-runtime-`));
});

test('no image stands in a FROM or an image line of its own, past the pinned ones', () => {
  for (const file of ['docker/Dockerfile', 'docker/Dockerfile.gpu']) {
    for (const [line] of textOf(file).matchAll(/^FROM .*$/gm))
      expect(line).toMatch(/^FROM \$\{\w+_IMAGE\}( AS build)?$/);
  }
  for (const [, image] of textOf('docker-compose.yml').matchAll(/^ +image: (.+)$/gm))
    expect(image).toMatch(/^(simili(-gpu)?|\$\{\w+_IMAGE:-.+\})$/);
});

test('the pgvector of the compose file is none that a start would warn of', () => {
  const [, ...version] = foreignImages['docker-compose.yml'].flatMap(
    (image) => POSTGRES.exec(image ?? '')?.slice(0, 4) ?? [],
  );
  const [major, minor, patch] = version.map(Number) as [number, number, number];
  expect(1e6 * major + 1e3 * minor + patch).toBeGreaterThanOrEqual(8004); // 0.8.4
});

const DOCKERFILES = ['docker/Dockerfile', 'docker/Dockerfile.gpu'];
/** Paths that a build copies out of the checkout by name. */
const copied = (file: string): string[] =>
  [...textOf(file).matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, paths]) => paths!.split(' '));
const firstPart = (path: string): string => path.split('/')[0] as string;
const { workspaces }: { workspaces: string[] } = JSON.parse(textOf('package.json'));

test.each(DOCKERFILES)('%s finds in its context what it copies, and what `npm run build` compiles', (file) => {
  const [, ...kept] = textOf('.dockerignore').split('\n'); // the first line leaves out everything
  const build = textOf('scripts/build.mjs');
  const configs = [...build.matchAll(/compile\('(.+?)'\)/g)].map(([, config]) => config as string);
  expect(configs).toContain('tsconfig.build.json');
  const wanted = [...copied(file), ...workspaces, ...configs].map(firstPart).filter((path) => path !== '.');
  for (const path of wanted) expect(kept).toContain(`!${path}`);
});

test.each(DOCKERFILES)('%s installs what each workspace depends on', (file) => {
  const others = workspaces.filter((folder) => folder !== '.').map(firstPart);
  const packages = copied(file).filter((path) => path.endsWith('/package.json'));
  expect(packages.map(firstPart).sort()).toEqual(others.sort());
});

test('workers of the compose file take all queues, and whoever leaves training to a GPU is told of all others', () => {
  const compose = textOf('docker-compose.yml');
  const usual = /SIMILI_WORKER_QUEUES:-([\w,]+)/.exec(compose)?.[1]?.split(',') ?? [];
  expect(usual.toSorted()).toEqual(queueNames.toSorted());
  const ofGpu = /--queues, "([a-z,]+)"/.exec(compose)?.[1]?.split(',') ?? [];
  expect(ofGpu).toContain('train');
  const others = usual.filter((name) => !ofGpu.includes(name)).join(',');
  const told = [...`${compose}${textOf('docker/env.example')}`.matchAll(/SIMILI_WORKER_QUEUES=([\w,]+)/g)];
  expect(told.map(([, queues]) => queues)).toEqual([others, others]);
});
