import { describeNeighbourLists } from '../contract/neighbour-lists.contract.ts';
import { freshDatabase } from '../support/database.ts';
import { postgresUrl } from '../support/services.ts';

describeNeighbourLists('PGlite', () => freshDatabase());
describeNeighbourLists('Postgres', () => freshDatabase(postgresUrl()), ['postgres']);
