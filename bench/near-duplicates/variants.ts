import sharp from 'sharp';

/** Ways in which one picture comes to a catalog twice. */
export const VARIANTS: Readonly<Record<string, (picture: Buffer) => Promise<Buffer>>> = {
  'JPEG 95': (picture) => onWhite(picture).jpeg({ quality: 95 }).toBuffer(),
  'JPEG 75': (picture) => onWhite(picture).jpeg({ quality: 75 }).toBuffer(),
  'JPEG 50': (picture) => onWhite(picture).jpeg({ quality: 50 }).toBuffer(),
  'WebP 80': (picture) => sharp(picture).webp({ quality: 80 }).toBuffer(),
  'half as large': async (picture) => {
    const { width } = await sharp(picture).metadata();
    return sharp(picture)
      .resize(Math.round(width / 2))
      .png()
      .toBuffer();
  },
  'cropped by 2 %': async (picture) => {
    const { width, height } = await sharp(picture).metadata();
    const [x, y] = [Math.round(width * 0.02), Math.round(height * 0.02)];
    return onWhite(picture)
      .extract({ left: x, top: y, width: width - 2 * x, height: height - 2 * y })
      .jpeg({ quality: 90 })
      .toBuffer();
  },
  'padded by 4 %': async (picture) => {
    const { width } = await sharp(picture).metadata();
    const by = Math.round(width * 0.04);
    return onWhite(picture)
      .extend({ top: by, bottom: by, left: by, right: by, background: '#fff' })
      .jpeg({ quality: 90 })
      .toBuffer();
  },
  '5 % brighter': (picture) => onWhite(picture).modulate({ brightness: 1.05 }).jpeg({ quality: 90 }).toBuffer(),
  '5 % darker': (picture) => onWhite(picture).modulate({ brightness: 0.95 }).jpeg({ quality: 90 }).toBuffer(),
};

const onWhite = (picture: Buffer) => sharp(picture).flatten({ background: '#fff' });
