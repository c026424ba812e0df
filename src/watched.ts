import type { WriteResult } from './catalog/products.ts';
import type { FeedbackResult } from './feedback/submit.ts';
import type { Visitor } from './feedback/visitor.ts';
import type { Telemetry } from './ports/telemetry.ts';
import type { AnswerView } from './similarity/answer-view.ts';
import type { RankedPage } from './similarity/ranked-page.ts';
import type { SimilarItemsPage, SimilarItemsRequest } from './similarity/similar-items.ts';
import type { SimilarToPicturePage, SimilarToPictureRequest } from './similarity/similar-to-picture.ts';
import type { SimilarToProductsPage, SimilarToProductsRequest } from './similarity/similar-to-products.ts';

/** Those of the use cases that are told of. */
type Watched = {
  readonly telemetry: Telemetry;
  similarItems(request: SimilarItemsRequest, view: AnswerView): Promise<SimilarItemsPage>;
  similarToProducts(request: SimilarToProductsRequest, view: AnswerView): Promise<SimilarToProductsPage>;
  similarToPicture(request: SimilarToPictureRequest, view: AnswerView): Promise<SimilarToPicturePage>;
  submitFeedback(visitor: Visitor, entries: readonly unknown[]): Promise<FeedbackResult>;
  upsertProducts(entries: readonly unknown[]): Promise<WriteResult>;
};

/** The same use cases, which tell how they went. @param catalog whose they are */
export const watched = <Services extends Watched>(services: Services, catalog: string): Services => {
  const { telemetry } = services;
  const list = <Page extends RankedPage>(ask: () => Promise<Page>, anchors: number): Promise<Page> =>
    telemetry.span('simili.similar_items', { catalog, anchors }, async (span) => {
      const page = await ask();
      span.set({ status: page.status, items: page.items.length, stale: page.stale ?? false });
      return page;
    });
  const told: Omit<Watched, 'telemetry'> = {
    similarItems: (request, view) => list(() => services.similarItems(request, view), 1),
    similarToProducts: (request, view) =>
      list(() => services.similarToProducts(request, view), request.anchorIds.length),
    similarToPicture: (request, view) => list(() => services.similarToPicture(request, view), 1),
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
