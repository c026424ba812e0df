import { randomUUID } from 'node:crypto';
import { GraphQLError } from 'graphql';
import { SimiliError } from '../errors.ts';
import type { Log } from '../log.ts';
import { isPlainObject } from './timed.ts';

type Resolve = (...args: unknown[]) => unknown;

/**
 * The same resolvers, keeping our insides to ourselves: what is not a SimiliError goes to the log under a request id,
 * and the caller gets INTERNAL with that id. Done here, it holds in a host's server too.
 */
export function masked<Tree>(tree: Tree, log: Log): Tree {
  if (typeof tree === 'function') return maskedResolver(tree as unknown as Resolve, log) as unknown as Tree;
  if (!isPlainObject(tree)) return tree;
  return Object.fromEntries(Object.entries(tree).map(([name, branch]) => [name, masked(branch, log)])) as Tree;
}

function maskedResolver(resolve: Resolve, log: Log): Resolve {
  return (...args) => {
    try {
      const result = resolve(...args);
      return result instanceof Promise ? result.catch((error) => toPublic(error, log)) : result;
    } catch (error) {
      return toPublic(error, log);
    }
  };
}

function toPublic(error: unknown, log: Log): never {
  if (error instanceof SimiliError || error instanceof GraphQLError) throw error;
  throw internalError(error, log);
}

export function internalError(error: unknown, log: Log): GraphQLError {
  const requestId = randomUUID();
  log.error({ err: error, requestId }, 'request failed');
  const { message, extensions } = new SimiliError('INTERNAL');
  return new GraphQLError(message, {
    extensions: { ...extensions, requestId },
  });
}
