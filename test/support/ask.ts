import { ApolloServer, type ApolloServerPlugin } from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';
import type { GraphQLSchema } from 'graphql';

export type Answer = {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: each test knows what it asked for
  data: any;
  errors?: {
    message: string;
    path?: (string | number)[];
    extensions: {
      code: string;
      retry: boolean;
      requestId?: string;
      stacktrace?: string[];
    };
  }[];
};

/** One GraphQL POST. */
export async function ask(
  url: string,
  query: string,
  variables: object = {},
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ query, variables }),
  });
  return {
    status: response.status,
    ...((await response.json()) as Omit<Answer, 'status'>),
  };
}

/** Code of the first error. */
export const codeOf = ({ errors }: Answer): string | undefined => errors?.[0]?.extensions.code;

/** A plain Apollo server of a host, on a free port. */
export async function host(
  schema: GraphQLSchema,
  plugins: ApolloServerPlugin[] = [],
): Promise<{ url: string } & AsyncDisposable> {
  const server = new ApolloServer({ schema, plugins });
  const { url } = await startStandaloneServer(server, {
    listen: { port: 0, host: '127.0.0.1' },
  });
  return { url, [Symbol.asyncDispose]: () => server.stop() };
}

/** Events of one server-sent stream, in order, until the server ends it. */
export async function* events(response: Response): AsyncGenerator<{ event: string; data: unknown }> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    text += decoder.decode(chunk, { stream: true });
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const block = text.slice(0, end);
      text = text.slice(end + 2);
      const event = /^event: (.*)$/m.exec(block)?.[1];
      const data = /^data: ?(.*)$/m.exec(block)?.[1];
      if (event) yield { event, data: data ? JSON.parse(data) : null };
    }
  }
}
