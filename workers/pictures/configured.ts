import { join } from 'node:path';
import type { PictureCopies } from 'simili/internal/catalog/picture-copies';
import type { Config } from 'simili/internal/config';
import { openPictures, type PictureLimits, type PictureService } from './picture-service.ts';
import type { Uploads } from './read-uploaded.ts';

/** Pictures within the limits of the configuration, with its cache. */
export const openConfiguredPictures = (config: Config, copies?: PictureCopies, uploads?: Uploads): PictureService =>
  openPictures({
    cacheDir: join(config.SIMILI_DATA_DIR, 'pixels'),
    ...(copies && { copies }),
    ...(uploads && { uploads }),
    maxCacheBytes: config.SIMILI_PIXEL_CACHE_BYTES,
    limits: pictureLimitsOf(config),
  });

export const pictureLimitsOf = (config: Config): PictureLimits => ({
  maxBytes: config.SIMILI_MAX_IMAGE_BYTES,
  maxPixels: config.SIMILI_MAX_IMAGE_PIXELS,
  timeoutMs: config.SIMILI_IMAGE_TIMEOUT_SECONDS * 1000,
  background: config.SIMILI_BACKGROUND,
  allowPrivate: config.SIMILI_ALLOW_PRIVATE_URLS,
  hosts: config.SIMILI_IMAGE_HOSTS,
});
