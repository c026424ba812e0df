import type { WriteResult } from './catalog/products.ts';
import type { FeedbackResult } from './feedback/submit.ts';
import type { Visitor } from './feedback/visitor.ts';
import type { Telemetry } from './ports/telemetry.ts';
import type { AnswerView } from './similarity/answer-view.ts';
import type { SimilarItemsPage, SimilarItemsRequest } from './similarity/similar-items.ts';

/** Those of the use cases that are told of. */
type Watched = {
  readonly telemetry: Telemetry;
  similarItems(request: SimilarItemsRequest, view: AnswerView): Promise<SimilarItemsPage>;
  submitFeedback(visitor: Visitor, entries: readonly unknown[]): Promise<FeedbackResult>;
  upsertProducts(entries: readonly unknown[]): Promise<WriteResult>;
};

/** The same use cases, which tell how they went. @param catalog whose they are */
export const watched = <Services extends Watched>(services: Services, catalog: string): Services => {
  const { telemetry } = services;
  const told: Omit<Watched, 'telemetry'> = {
    similarItems: (request, view) =>
      telemetry.span('simili.similar_items', { catalog }, async (span) => {
        const page = await services.similarItems(request, view);
        span.set({ status: page.status, items: page.items.length, stale: page.stale ?? false });
        return page;
      }),
    async submitFeedback(visitor, entries) {
      const result = await services.submitFeedback(visitor, entries);
      const { accepted, duplicates: duplicate, rejections } = result;
      tell(telemetry, 'simili.feedback', catalog, { accepted, duplicate, rejected: rejections.length });
      return result;
    },
    async upsertProducts(entries) {
      const result = await services.upsertProducts(entries);
      const { rejections, ...outcomes } = result;
      tell(telemetry, 'simili.products', catalog, { ...outcomes, rejected: rejections.length });
      return result;
    },
  };
  return { ...services, ...told };
};

function tell(
  telemetry: Telemetry,
  name: 'simili.feedback' | 'simili.products',
  catalog: string,
  counts: Readonly<Record<string, number>>,
): void {
  for (const [outcome, count] of Object.entries(counts)) {
    if (count > 0) telemetry.count(name, count, { catalog, outcome });
  }
}
