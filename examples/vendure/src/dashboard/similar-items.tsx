import { useQuery } from '@tanstack/react-query';
import { api } from '@vendure/dashboard';

const LIST = `query SimiliList($id: ID!) {
  product(id: $id) {
    similarItems(first: 12) { status nodes { id name featuredAsset { preview } } }
  }
}`;

type Node = { id: string; name: string; featuredAsset: { preview: string } | null };
type List = { product: { similarItems: { status: string; nodes: Node[] } | null } | null };

/** The list that shoppers find beside a product, in the channel that is chosen. */
export function SimilarItems({ id }: { id: string }) {
  const { data, error, isPending } = useQuery({
    queryKey: ['simili', 'list', id],
    queryFn: () => api.query<List>(LIST, { id }),
  });
  if (isPending) return <p>Asking Simili …</p>;
  const list = data?.product?.similarItems;
  if (error || !list) return <p role="alert">Simili does not answer.</p>;
  if (list.nodes.length === 0) return <p>None yet: {list.status}</p>;
  return (
    <ul aria-label="Similar items" className="grid grid-cols-3 gap-4">
      {list.nodes.map((node) => (
        <li key={node.id}>
          <Tile {...node} />
        </li>
      ))}
    </ul>
  );
}

function Tile({ id, name, featuredAsset }: Node) {
  return (
    <a href={`/dashboard/products/${id}`}>
      {featuredAsset && (
        <img src={`${featuredAsset.preview}?preset=thumb`} alt="" className="aspect-square object-contain" />
      )}
      {name}
    </a>
  );
}
