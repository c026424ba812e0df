import { expect, test } from 'vitest';
import { limitedPool } from '../../../../../src/db/session/limited-pool.ts';

test('a connection that breaks while nobody uses it ends no process', () => {
  const pool = limitedPool({ connectionString: 'postgres://nobody@127.0.0.1:1/none' });
  expect(() => pool.emit('error', new Error('terminating connection due to administrator command'))).not.toThrow();
});
