'use client';

import { SimiliClient } from '@simili/client';
import { useSimilarItems } from '@simili/react';
import Link from 'next/link';

const simili = new SimiliClient({ url: process.env.NEXT_PUBLIC_SIMILI_URL });

export function Similar({ id, initial }) {
  const { list, seen, click } = useSimilarItems(simili, id, { initial });
  return (
    <ul aria-label="Looks like this">
      {list.nodes.map(({ id, title }) => (
        <li key={id} ref={seen(id)}>
          <Link href={`/products/${id}`} onClick={() => click(id)}>
            {title}
          </Link>
        </li>
      ))}
    </ul>
  );
}
