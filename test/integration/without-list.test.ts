import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type FreshDatabase, freshDatabase } from '../support/database.ts';
import { addProducts } from '../support/fixtures.ts';
import { postgresUrl } from '../support/services.ts';

/* Anybody may send events under one name, and a storefront may give all its shoppers the same: then there are millions of them. */
function describeBusy(name: string, open: () => Promise<FreshDatabase>, tags: string[] = []): void {
  describe(`events without a list on ${name}`, { tags }, () => {
    let database: FreshDatabase;
    beforeAll(async () => {
      database = await open();
      await addProducts(database, [{ id: 'x' }, { id: 'y' }]);
    });
    afterAll(() => database[Symbol.asyncDispose]());

    /** Events of a visitor about lists of `a`, so many minutes ago. */
    const see = (many: number, item: string, minutesAgo: number) => database.storage.prisma.$executeRaw`
      INSERT INTO simili.feedback_event (catalog_id, event_id, kind, visitor_id, anchor_id, item_ids, positions, model_id, occurred_at, received_at, list_id, listed_at)
      SELECT 'default', gen_random_uuid(), 'IMPRESSION', 'busy', 'a', ARRAY[${item}], '{1}', 'm', at, at, gen_random_uuid(), at
      FROM generate_series(1, ${many}::int), (SELECT now() - make_interval(mins => ${minutesAgo}::int) AS at) AS moment`;
    const anchorOfView = async () => {
      const view = { eventId: randomUUID(), kind: 'VIEW', itemId: 'x', occurredAt: new Date() } as const;
      await database.repositories.feedback.appendWithoutList('busy', [view]);
      const { eventId } = view;
      return (await database.storage.prisma.feedbackEvent.findFirstOrThrow({ where: { eventId } })).anchorId;
    };

    test('a list is looked for among the newest 2,000 events of the visitor', async () => {
      await see(1, 'x', 2);
      await see(1999, 'y', 1);
      expect(await anchorOfView()).toBe('a');
      expect(await anchorOfView()).toBe(null);
    });
  });
}

describeBusy('PGlite', () => freshDatabase());
describeBusy('Postgres', () => freshDatabase(postgresUrl()), ['postgres']);
