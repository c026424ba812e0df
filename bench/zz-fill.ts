import { servingCatalog } from './serving-catalog.ts';

await servingCatalog(process.env.DATABASE_URL!, Number(process.argv[2] ?? 100000), 'serve');
