// A shop with the module, for the test: DATABASE_URL=postgres://… SIMILI_KEY=… npx medusa start
import { defineConfig } from '@medusajs/framework/utils';

const { DATABASE_URL, SIMILI_URL = 'http://localhost:4000', SIMILI_KEY = '' } = process.env;

export default defineConfig({
  projectConfig: {
    databaseUrl: DATABASE_URL,
    http: { storeCors: '*', adminCors: '*', authCors: '*', jwtSecret: 'of the test', cookieSecret: 'of the test' },
  },
  admin: { disable: true },
  modules: [{ resolve: './src/modules/simili', options: { url: SIMILI_URL, key: SIMILI_KEY, currency: 'eur' } }],
});
