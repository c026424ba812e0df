import { describeSpaces } from '../contract/spaces.contract.ts';
import { freshDatabase } from '../support/database.ts';
import { postgresUrl } from '../support/services.ts';

describeSpaces('PGlite', () => freshDatabase());
describeSpaces('Postgres', () => freshDatabase(postgresUrl()), ['postgres']);
