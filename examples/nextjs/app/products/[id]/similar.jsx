'use client';

import { SimilarItems } from '@simili/react';
import Link from 'next/link';

export const Similar = (props) => (
  <SimilarItems client={process.env.NEXT_PUBLIC_SIMILI_URL} aria-label="Looks like this" {...props}>
    {({ id, title }, click) => (
      <Link href={`/products/${id}`} onClick={click}>
        {title}
      </Link>
    )}
  </SimilarItems>
);
