import { defineDashboardExtension } from '@vendure/dashboard';
import { SimilarItems } from './similar-items';
import { StatusPage } from './status-page';

const requiresPermission = ['ReadCatalog', 'ReadProduct'];

defineDashboardExtension({
  routes: [
    {
      path: '/simili',
      loader: () => ({ breadcrumb: 'Similar items' }),
      component: () => <StatusPage />,
      navMenuItem: { sectionId: 'catalog', id: 'simili', title: 'Similar items', requiresPermission },
    },
  ],
  pageBlocks: [
    {
      id: 'simili',
      title: 'Similar items',
      location: {
        pageId: 'product-detail',
        column: 'side',
        position: { blockId: 'facet-values', order: 'after' },
      },
      component: ({ context }) => (context.entity ? <SimilarItems id={context.entity.id} /> : null),
      requiresPermission,
    },
  ],
});
