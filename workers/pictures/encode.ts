import type { Picture } from '@simili/learning/picture';
import sharp from 'sharp';

/** A cached picture as a file for people: WebP, as small as it may be and still show what it is. */
export const toWebp = (picture: Picture, side: number): Promise<Buffer> =>
  sharp(picture, { raw: { width: side, height: side, channels: 3 } })
    .webp({ quality: 80 })
    .toBuffer();
