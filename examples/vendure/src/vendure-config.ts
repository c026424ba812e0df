import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import {
  type AssetStorageStrategy,
  DefaultJobQueuePlugin,
  DefaultLogger,
  LogLevel,
  type VendureConfig,
} from '@vendure/core';
import { SimiliPlugin } from './simili-plugin';

const { DATABASE_URL, PORT = '3000', SIMILI_URL = 'http://localhost:4000', SIMILI_KEY = '' } = process.env;

const assets = 'https://shop.example/assets/';
/** A shop has a server of pictures; this one only says where they would be. */
const elsewhere: Partial<AssetStorageStrategy> = {
  toAbsoluteUrl: (_request, preview) => new URL(preview, assets).href,
};

/** The dashboard, once it is built (vite build): shop.ts runs without it, too. */
const appDir = join(process.cwd(), 'dist-dashboard');
const dashboard = () =>
  createRequire(__filename)('@vendure/dashboard/plugin').DashboardPlugin.init({ route: 'dashboard', appDir });

export const config: VendureConfig = {
  apiOptions: { port: Number(PORT), hostname: '127.0.0.1', adminApiPath: 'admin-api', shopApiPath: 'shop-api' },
  authOptions: { tokenMethod: 'bearer', superadminCredentials: { identifier: 'superadmin', password: 'superadmin' } },
  dbConnectionOptions: { type: 'postgres', url: DATABASE_URL, synchronize: true },
  paymentOptions: { paymentMethodHandlers: [] },
  assetOptions: { assetStorageStrategy: elsewhere as AssetStorageStrategy },
  logger: new DefaultLogger({ level: LogLevel.Warn }),
  plugins: [
    DefaultJobQueuePlugin.init({ pollInterval: 50, backoffStrategy: () => 50 }), // quicker than usual: for the test
    SimiliPlugin.init({ url: SIMILI_URL, key: SIMILI_KEY, assets }),
    ...(existsSync(appDir) ? [dashboard()] : []),
  ],
};
