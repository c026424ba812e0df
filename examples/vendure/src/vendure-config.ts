import { DefaultJobQueuePlugin, DefaultLogger, LogLevel, type VendureConfig } from '@vendure/core';
import { SimiliPlugin } from './simili-plugin';

const { DATABASE_URL, PORT = '3000', SIMILI_URL = 'http://localhost:4000', SIMILI_KEY = '' } = process.env;

export const config: VendureConfig = {
  apiOptions: { port: Number(PORT), hostname: '127.0.0.1', adminApiPath: 'admin-api', shopApiPath: 'shop-api' },
  authOptions: { tokenMethod: 'bearer', superadminCredentials: { identifier: 'superadmin', password: 'superadmin' } },
  dbConnectionOptions: { type: 'postgres', url: DATABASE_URL, synchronize: true },
  paymentOptions: { paymentMethodHandlers: [] },
  logger: new DefaultLogger({ level: LogLevel.Warn }),
  plugins: [
    DefaultJobQueuePlugin.init({ pollInterval: 50, backoffStrategy: () => 50 }), // quicker than usual: for the test
    SimiliPlugin.init({ url: SIMILI_URL, key: SIMILI_KEY, assets: 'https://shop.example/assets/' }),
  ],
};
