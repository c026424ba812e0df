import sharp, { type OverlayOptions } from 'sharp';

/** Ten things of the demo catalog that a shopper could look at: food, clothes, instruments, tools, animals, vehicles. */
const QUERIES = [
  ...['red-apple', 'pizza', 'running-shoe', 'guitar', 'wrench'],
  ...['teddy-bear', 'sailboat', 'locomotive', 'butterfly', 'potted-plant'],
];
const LISTED = 6;
const CELL = 60;
const PICTURE = 54;
const GAP = 24;
const HEADING = 30;

type Column = { title: string; url: string };
type Answer = {
  product: { image: { url: string } | null };
  similarItems: { nodes: { image: { url: string } | null }[] };
};

async function ask(url: string, id: string): Promise<Answer> {
  const query = `query ($id: ID!) {
    product(by: { id: $id }) { image { url } }
    similarItems(id: $id, first: ${LISTED}) { nodes { image { url } } }
  }`;
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables: { id } }),
  });
  const { data, errors } = (await response.json()) as { data?: Answer; errors?: { message: string }[] };
  if (!data?.product) throw new Error(`${url} does not answer for ${id}: ${errors?.[0]?.message ?? 'unknown product'}`);
  return data;
}

async function pictureAt(url: string, base: string): Promise<Buffer> {
  const bytes = Buffer.from(await (await fetch(new URL(url, base))).arrayBuffer());
  return sharp(bytes)
    .resize(PICTURE, PICTURE, { fit: 'contain', background: '#fff' })
    .flatten({ background: '#fff' })
    .png()
    .toBuffer();
}

/** Left edge of the first cell of a column, in pixels. */
const leftOf = (column: number): number => CELL + GAP + column * (LISTED * CELL + GAP);

async function rowOf(id: string, columns: readonly Column[], top: number): Promise<OverlayOptions[]> {
  const parts: OverlayOptions[] = [];
  for (const [c, { url }] of columns.entries()) {
    const { product, similarItems } = await ask(url, id);
    if (c === 0 && product.image) parts.push({ input: await pictureAt(product.image.url, url), left: 3, top: top + 3 });
    for (const [i, { image }] of similarItems.nodes.entries())
      if (image) parts.push({ input: await pictureAt(image.url, url), left: leftOf(c) + i * CELL + 3, top: top + 3 });
  }
  return parts;
}

function headings(columns: readonly Column[], width: number): Buffer {
  const texts = columns.map(({ title }, c) => `<text x="${leftOf(c) + 3}" y="20">${title}</text>`);
  const style = 'font-family="DejaVu Sans, Arial, sans-serif" font-size="14" fill="#222"';
  return Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${HEADING}" ${style}>${texts.join('')}</svg>`,
  );
}

// npx tsx scripts/side-by-side.ts <file.webp> "<title>=<address>"...: what running servers with the demo catalog answer for
// the same ten products, the first six of each: docs/images/side-by-side.webp, made as docs/quality.md says.
const [file, ...given] = process.argv.slice(2);
const columns = given.map((text): Column => {
  const at = text.lastIndexOf('=');
  return { title: text.slice(0, at), url: text.slice(at + 1) };
});
if (!file || columns.length === 0)
  throw new Error('Give a file and, for each column, "<title>=<address of a running server>"');
const width = leftOf(columns.length) - GAP;
const rows = await Promise.all(QUERIES.map((id, i) => rowOf(id, columns, HEADING + i * CELL)));
await sharp({ create: { width, height: HEADING + QUERIES.length * CELL, channels: 3, background: '#fff' } })
  .composite([{ input: headings(columns, width), left: 0, top: 0 }, ...rows.flat()])
  .webp({ quality: 85 })
  .toFile(file);
