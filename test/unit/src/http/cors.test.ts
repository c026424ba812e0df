import { expect, test } from 'vitest';
import { loadConfig } from '../../../../src/config.ts';
import { grantedHeaders } from '../../../../src/http/cors.ts';

const originsOf = (text: string) => loadConfig({ SIMILI_CORS_ORIGINS: text }).SIMILI_CORS_ORIGINS;

test('origins are compared as browsers write them, however they were typed', () => {
  expect(
    originsOf('https://shop.example/, HTTPS://Shop.Example:443,http://127.0.0.1:8080,capacitor://localhost/,*'),
  ).toEqual(['https://shop.example', 'https://shop.example', 'http://127.0.0.1:8080', 'capacitor://localhost', '*']);
});

test.each([
  'shop.example',
  'https://shop.example/shop',
  'https://shop.example/?page',
  'https://*.shop.example',
  'null',
  'https://',
])('%s is no origin, and the server says so instead of never matching it', (text) => {
  expect(() => originsOf(`https://shop.example,${text}`)).toThrow(`${text} is no origin`);
});

test('a preflight is granted the headers of tracers and clients, and none that say who is asking', () => {
  const asked =
    'content-type,traceparent,tracestate,baggage,sentry-trace,x-datadog-trace-id,apollographql-client-name,x-made-up';
  expect(grantedHeaders(asked)).toEqual(['content-type', 'apollo-require-preflight', ...asked.split(',').slice(1)]);
  const refused = ['authorization', 'cookie', 'x-forwarded-for', 'forwarded', 'x-real-ip', 'b ad', 'x'.repeat(65), ''];
  expect(grantedHeaders(refused.join(','))).toEqual(['content-type', 'apollo-require-preflight']);
  expect(grantedHeaders(Array.from({ length: 1000 }, (_, i) => `x-${i}`).join(','))).toHaveLength(2 + 64);
});
