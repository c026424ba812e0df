import { ApolloClient, HttpLink, InMemoryCache } from '@apollo/client';
import { ApolloProvider } from '@apollo/client/react';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { Similar } from './similar';
import { url } from './simili';

const apollo = new ApolloClient({ link: new HttpLink({ uri: `${url}/graphql` }), cache: new InMemoryCache() });
const product = new URLSearchParams(location.search).get('product') ?? 'red-mug';

createRoot(document.querySelector('#shop')!).render(
  <StrictMode>
    <ApolloProvider client={apollo}>
      <h1>{product}</h1>
      <Similar id={product} />
    </ApolloProvider>
  </StrictMode>,
);
