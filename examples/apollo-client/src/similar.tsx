import { useQuery } from '@apollo/client/react';
import { graphql } from './gql';
import { simili } from './simili';

const SIMILAR = graphql(`
  query Similar($id: ID!) {
    similarItems(id: $id, first: 6) {
      status
      recommendationId
      nodes { id title price { amount currencyCode } }
    }
  }
`);

export function Similar({ id }: { id: string }) {
  const list = useQuery(SIMILAR, { variables: { id } }).data?.similarItems;
  if (!list) return null;
  return (
    <ul aria-label="Looks like this">
      {list.nodes.map(({ id, title, price }) => (
        <li key={id} ref={(element) => (element ? simili.watch(list).add(element, id) : undefined)}>
          <a href={`?product=${id}`} onClick={() => simili.click(id, list)}>
            {title}
          </a>{' '}
          {price?.amount}
        </li>
      ))}
    </ul>
  );
}
