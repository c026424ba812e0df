import { SimiliError } from '../errors.ts';

/** Work that takes time. */
export type SpanName = 'simili.similar_items' | 'simili.search' | 'simili.rerank' | 'simili.job';
/** Things that add up. */
export type CounterName =
  | 'simili.feedback'
  | 'simili.products'
  | 'simili.pictures'
  | 'simili.vectors'
  | 'simili.audits'
  | 'simili.audited_neighbours'
  | 'simili.extension_failures';
export type Attributes = Readonly<Record<string, string | number | boolean>>;
/** A span that is open. */
export type Span = { set(attributes: Attributes): void };

/** Spans and counters of the work, for whoever watches an installation (docs/extending.md lists names and attributes). */
export type Telemetry = {
  /**
   * Runs `work` once, in a span that begins now and ends when it settles; what `work` rejects with is the span's error, and what
   * this rejects with. What it begins within is inside the span.
   */
  span<T>(name: SpanName, attributes: Attributes, work: (span: Span) => Promise<T>): Promise<T>;
  /** Adds to a counter. @param by 1 or more */
  count(name: CounterName, by: number, attributes: Attributes): void;
};

const noSpan: Span = { set() {} };

/** The default: nobody watches. */
export const noTelemetry: Telemetry = {
  span: (_name, _attributes, work) => work(noSpan),
  count() {},
};

/**
 * The same, which can neither change nor stop what it tells of: work is done once, and its result or error is its own, whatever
 * the telemetry does. A failure of it is told once, by `tell`.
 */
export function soundTelemetry(telemetry: Telemetry, tell: (error: unknown) => void): Telemetry {
  let isTold = false;
  const failed = (error: unknown): void => {
    if (!isTold) tell(error);
    isTold = true;
  };
  return {
    async span(name, attributes, work) {
      let begun: ReturnType<typeof work> | null = null;
      const once = (span: Span) => (begun ??= work(quiet(span, failed)));
      try {
        const ended = telemetry.span(name, attributes, once);
        // Its error is the work's, or else its own.
        Promise.resolve(ended).catch((error: unknown) => begun?.catch(() => {}) ?? failed(error));
        if (begun === null) await ended;
      } catch (error) {
        failed(error);
      }
      return once(noSpan);
    },
    count(name, by, attributes) {
      if (by <= 0) return;
      try {
        telemetry.count(name, by, attributes);
      } catch (error) {
        failed(error);
      }
    },
  };
}

const quiet = (span: Span | undefined, failed: (error: unknown) => void): Span => ({
  set(attributes) {
    try {
      span?.set(attributes);
    } catch (error) {
      failed(error);
    }
  },
});

/** @throws SimiliError CONFIGURATION_INVALID */
export function checkTelemetry({ span, count }: Telemetry): void {
  if (typeof span === 'function' && typeof count === 'function') return;
  throw new SimiliError('CONFIGURATION_INVALID', { why: 'The telemetry needs functions span and count' });
}
