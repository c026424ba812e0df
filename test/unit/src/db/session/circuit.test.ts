import { expect, test } from 'vitest';
import { Circuit } from '../../../../../src/db/session/circuit.ts';

const AWAY = expect.objectContaining({
  code: 'DATABASE_UNAVAILABLE',
  facts: expect.objectContaining({ retryAfter: 2 }),
});

test('after a failure one caller a second tries the database, all others are told at once, and an answer lets all in', () => {
  let now = 0;
  const circuit = new Circuit(() => now);
  circuit.check();
  circuit.failed(0);
  expect(() => circuit.check()).toThrow(AWAY);
  now = 1000;
  circuit.check();
  expect(() => circuit.check()).toThrow(AWAY);
  circuit.succeeded();
  circuit.check();
  circuit.check();
});

test('a slow statement closes nothing while others are answered', () => {
  let now = 0;
  const circuit = new Circuit(() => now);
  now = 1500;
  circuit.succeeded();
  now = 2000;
  circuit.failed(0);
  circuit.check();
});
