// The dashboard with the page of the plugin: npm install @vendure/dashboard, then npx vite build.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { vendureDashboardPlugin } from '@vendure/dashboard/vite';
import { defineConfig } from 'vite';

export default defineConfig({
  base: '/dashboard',
  build: { outDir: join(import.meta.dirname, 'dist-dashboard'), emptyOutDir: true },
  plugins: [
    vendureDashboardPlugin({
      vendureConfigPath: pathToFileURL(join(import.meta.dirname, 'src/vendure-config.ts')),
      api: { host: 'auto', port: 'auto', tokenMethod: 'bearer' },
    }),
  ],
});
