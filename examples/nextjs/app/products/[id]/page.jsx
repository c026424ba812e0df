import { SimiliClient } from '@simili/client';
import { Similar } from './similar';

const simili = new SimiliClient({ url: process.env.NEXT_PUBLIC_SIMILI_URL });

export default async function ProductPage({ params }) {
  const { id } = await params;
  const list = await simili.similarItems(id, { first: 6 }).catch(() => null); // the browser asks again
  return (
    <main>
      <h1>{id}</h1>
      <Similar key={id} product={id} initial={list} />
    </main>
  );
}
