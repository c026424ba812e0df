// A shop with the plugin: DATABASE_URL=postgres://… SIMILI_KEY=… npm start. An empty database gets what Vendure needs before there are products.
import type { AddressInfo } from 'node:net';
import { bootstrap, CountryService, JobQueueService, LanguageCode, RequestContextService } from '@vendure/core';
import { populateInitialData } from '@vendure/core/cli';
import { config } from './vendure-config';

async function start(): Promise<void> {
  const app = await bootstrap(config);
  const ctx = await app.get(RequestContextService).create({ apiType: 'admin' });
  if ((await app.get(CountryService).findAll(ctx)).totalItems === 0) {
    await populateInitialData(app, {
      defaultLanguage: LanguageCode.en,
      defaultZone: 'Europe',
      countries: [{ name: 'Germany', code: 'DE', zone: 'Europe' }],
      taxRates: [{ name: 'Standard Tax', percentage: 19 }],
      shippingMethods: [],
      paymentMethods: [],
      collections: [],
    });
  }
  await app.get(JobQueueService).start(); // or a worker of its own
  const { port } = app.getHttpServer().address() as AddressInfo;
  process.stdout.write(`Listening on http://127.0.0.1:${port}\n`);
}

void start();
