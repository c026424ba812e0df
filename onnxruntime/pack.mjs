// Takes the files of onnxruntime-node that this package carries. npm runs it before it packs.
import { cpSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PLATFORMS = ['linux/x64', 'linux/arm64', 'darwin/arm64'];
/** The same library twice: the binding asks for libonnxruntime.1.dylib. */
const LEFT_OUT = /^libonnxruntime\.\d+\.\d+\.\d+\.dylib$|\.map$/;

const here = dirname(fileURLToPath(import.meta.url));
const source = dirname(dirname(createRequire(import.meta.url).resolve('onnxruntime-node')));
const read = (file) => JSON.parse(readFileSync(file, 'utf8'));
const theirs = read(join(source, 'package.json')).version;
const ours = read(join(here, 'package.json')).dependencies['onnxruntime-common'];
if (theirs !== ours)
  throw new Error(`onnxruntime-node is ${theirs}, onnxruntime-common ${ours}: they must be one version`);

for (const folder of ['dist', ...PLATFORMS.map((platform) => join('bin', 'napi-v6', platform))]) {
  rmSync(join(here, folder), { recursive: true, force: true });
  cpSync(join(source, folder), join(here, folder), {
    recursive: true,
    filter: (file) => !LEFT_OUT.test(basename(file)),
  });
}
