import { buildForTests } from './built.ts';
import { services as allServices, type Service } from './services.ts';

/**
 * Compiles what the tests start, and says which adapters are under test, before the first test. A service that is given must answer, and one named in
 * SIMILI_TEST_REQUIRE (comma separated: postgres, redis, chromium, encoders, long-tests) must be given: else the run fails here, by name,
 * instead of passing with fewer tests or hanging in each.
 */
export default async function setup(): Promise<void> {
  buildForTests();
  const services = allServices();
  const required = namesIn(process.env.SIMILI_TEST_REQUIRE ?? '');
  const unknown = required.filter((name) => !services.some((service) => service.name === name));
  const found = await Promise.all(services.map((service) => look(service, required.includes(service.name))));
  const problems = [
    ...unknown.map((name) => `SIMILI_TEST_REQUIRE names ${name}, which is no service of these tests`),
    ...found.flatMap(({ problem }) => problem ?? []),
  ];
  console.log(`Under test: PGlite; ${found.map(({ said }) => said).join('; ')}`);
  if (problems.length > 0) throw new Error(`Cannot test\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
}

const namesIn = (list: string): string[] =>
  list
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean);

async function look(
  { name, address, give, ping }: Service,
  required: boolean,
): Promise<{ said: string; problem?: string }> {
  const said = `no ${name}`;
  if (!address) return required ? { said, problem: `${name} is required and not given: ${give}` } : { said };
  try {
    return { said: `${name} ${await ping()}` };
  } catch (error) {
    return { said, problem: `${name} is given and cannot be used: ${(error as Error).message || String(error)}` };
  }
}
