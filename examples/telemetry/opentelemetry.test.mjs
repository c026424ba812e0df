// node --test examples/telemetry
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openSimili } from 'simili';
import { telemetryContract } from 'simili/testing';
import { fromOpenTelemetry } from './opentelemetry.mjs';

/** A stand-in for what is used of `@opentelemetry/api`, and what it was told. */
function fakeApi() {
  const told = [];
  const tracer = {
    startActiveSpan(name, { attributes }, work) {
      const span = { name, ...attributes };
      return work({
        setAttributes: (more) => Object.assign(span, more),
        recordException: (error) => Object.assign(span, { exception: error.message }),
        setStatus: ({ code }) => Object.assign(span, { code }),
        end: () => told.push(span),
      });
    },
  };
  const meter = { createCounter: (name) => ({ add: (by, attributes) => told.push({ name, by, ...attributes }) }) };
  return { told, telemetry: fromOpenTelemetry({ tracer, meter }) };
}

for (const { title, run } of telemetryContract(fakeApi().telemetry)) test(`the adapter ${title}`, run);

test('a list, and a catalog that comes in, are told', async () => {
  const { told, telemetry } = fakeApi();
  const simili = await openSimili({ dataDir: null, extensions: { telemetry } });
  await simili.services.upsertProducts([{ id: 'mug', title: 'Red mug', imageUrls: [] }]);
  const view = { serving: async () => null, product: async () => ({ id: 'mug' }) };
  await simili.services.similarItems({ anchorId: 'mug' }, view);
  assert.deepEqual(told, [
    { name: 'simili.products', by: 1, catalog: 'default', outcome: 'created' },
    { name: 'simili.similar_items', catalog: 'default', anchors: 1, status: 'MODEL_NOT_READY', items: 0, stale: false },
  ]);
  await simili.close();
});

test('what fails is the error of its span', async () => {
  const { told, telemetry } = fakeApi();
  const failing = telemetry.span('simili.search', {}, () => Promise.reject(new Error('away')));
  await assert.rejects(failing, /away/);
  assert.deepEqual(told, [{ name: 'simili.search', exception: 'away', code: 2 }]);
});
