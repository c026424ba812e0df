import type { Reporter, TestModule } from 'vitest/node';
import { type Service, services } from './services.ts';

/** A test that was skipped, and the services whose tags it carries. */
export type Skipped = { file: string; tags: string[] };

/**
 * Says as the last lines of a run what was not tried for want of which service, and how to have it. A run that leaves
 * something out must not look like one that tried all.
 */
export class UntriedReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const lines = untried(modules.flatMap(skippedOf), services());
    if (lines.length > 0) console.log(`${lines.join('\n')}\n`);
  }
}

/** Names that scripts/services.sh does not give. */
const OTHERS = new Set(['encoders', 'long-tests']);

/** Lines about the services that are not given and that a skipped test needs; none when there is no such test. */
export function untried(skipped: Skipped[], services: Pick<Service, 'name' | 'address' | 'give'>[]): string[] {
  const isMissed = ({ name }: Pick<Service, 'name'>) => skipped.some(({ tags }) => tags.includes(name));
  const lines = services.flatMap(({ name, address, give }) => {
    const missed = address ? [] : skipped.filter(({ tags }) => tags.includes(name));
    if (missed.length === 0) return [];
    const files = [...new Set(missed.map(({ file }) => file))].sort();
    return [`  no ${name}: ${count(missed.length, 'test')} in ${files.join(', ')}`, `    To try them ${give}.`];
  });
  if (lines.length === 0) return [];
  const served = services.some((service) => !OTHERS.has(service.name) && !service.address && isMissed(service));
  return [
    'Not tried here:',
    ...lines,
    ...(served
      ? ['  Or all services at once, with Docker or as root on Debian: eval "$(scripts/services.sh start)"']
      : []),
  ];
}

const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;

function skippedOf(module: TestModule): Skipped[] {
  return [...module.children.allTests('skipped')].map(({ tags }) => ({ file: module.relativeModuleId, tags }));
}
