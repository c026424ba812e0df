'use client';

import { SimiliClient } from '@simili/client';
import { useSimilarItems } from '@simili/react';
import Link from 'next/link';

const simili = new SimiliClient({ url: process.env.NEXT_PUBLIC_SIMILI_URL });

export function Similar({ id, initial }) {
  const { list, seen, click } = useSimilarItems(simili, id, { initial });
  return (
    <ul aria-label="Looks like this">
      {list.nodes.map((product) => (
        <li key={product.id} ref={seen(product.id)}>
          <Link href={`/products/${product.id}`} onClick={() => click(product.id)}>
            {product.title}
          </Link>
        </li>
      ))}
    </ul>
  );
}
