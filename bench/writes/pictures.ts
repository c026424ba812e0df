import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import sharp from 'sharp';
import { pictureFiles } from '../embedding-catalog.ts';

/** Variants of each picture that are made beforehand: somebody else's machine has them, and what it takes to make one is no part of what is measured. */
const VARIANTS = 4;

/** A shop's pictures on loopback: of each one variants that look the same, in other pixels. */
export type ShopPictures = AsyncDisposable & { count: number; urlOf(picture: number, variant: number): string };

export async function servePictures(count: number): Promise<ShopPictures> {
  const files = await pictureFiles(count);
  sharp.concurrency(1);
  const made = new Map<string, Buffer>();
  const jpegOf = async (picture: number, variant: number): Promise<Buffer> => {
    const key = `${picture}/${variant}`;
    const jpeg =
      made.get(key) ??
      (await sharp(files[picture]!.bytes)
        .flatten({ background: '#eee' })
        .modulate({ brightness: 1 + variant / 100 })
        .jpeg()
        .toBuffer());
    made.set(key, jpeg);
    return jpeg;
  };
  for (let variant = 0; variant < VARIANTS; variant++)
    for (const picture of files.keys()) await jpegOf(picture, variant);
  const server = createServer(async (request, response) => {
    const [picture, variant] = (request.url ?? '').slice(1).split('/').map(Number) as [number, number];
    const jpeg = await jpegOf(picture, variant);
    response.setHeader('content-type', 'image/jpeg').end(jpeg);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    count: files.length,
    urlOf: (picture, variant) => `http://127.0.0.1:${port}/${picture}/${variant}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
