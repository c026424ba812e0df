// Spans and counters for OpenTelemetry. A shop with `@opentelemetry/api` (Simili does not depend on it) writes
//   import { metrics, trace } from '@opentelemetry/api';
//   export default { telemetry: fromOpenTelemetry({ tracer: trace.getTracer('simili'), meter: metrics.getMeter('simili') }) };
// and starts with its SDK: SIMILI_EXTENSIONS=./shop.mjs node --import ./instrumentation.mjs node_modules/.bin/simili start

/** `SpanStatusCode.ERROR` of the API. */
const ERROR = 2;

/** @returns {import('simili').Telemetry} */
export function fromOpenTelemetry({ tracer, meter }) {
  const counters = new Map();
  const counterOf = (name) => {
    if (!counters.has(name)) counters.set(name, meter.createCounter(name));
    return counters.get(name);
  };
  return {
    span: (name, attributes, work) =>
      tracer.startActiveSpan(name, { attributes }, async (span) => {
        try {
          return await work({ set: (more) => span.setAttributes(more) });
        } catch (error) {
          span.recordException(error);
          span.setStatus({ code: ERROR, message: error.message });
          throw error;
        } finally {
          span.end();
        }
      }),
    count: (name, by, attributes) => counterOf(name).add(by, attributes),
  };
}
