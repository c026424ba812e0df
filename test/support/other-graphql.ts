import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export type OtherGraphQL = Disposable & { folder: string; graphql: typeof import('graphql') };

/** A project in a folder of its own that has a copy of graphql of its own: the same version, other classes. */
export function otherGraphQL(): OtherGraphQL {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'simili-host-')));
  const ours = dirname(createRequire(import.meta.url).resolve('graphql/package.json'));
  mkdirSync(join(folder, 'node_modules'));
  cpSync(ours, join(folder, 'node_modules/graphql'), { recursive: true });
  return {
    folder,
    graphql: createRequire(join(folder, 'index.js'))('graphql'),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true }),
  };
}
