import { randomUUID } from 'node:crypto';
import { GraphQLError } from 'graphql';
import { SimiliError } from '../errors.ts';
import type { Log } from '../log.ts';
import { isPlainObject } from './timed.ts';

type Resolve = (...args: unknown[]) => unknown;
type ErrorClass = typeof GraphQLError;

/**
 * The same resolvers, keeping our insides to ourselves: what neither SimiliError nor GraphQLError is goes to the log under
 * a request id, and the caller gets INTERNAL with that id. Done here, it holds in a host's server too. What is thrown is
 * of the server's own class of errors: graphql-yoga and others hide the message of any other.
 */
export const masked = <Tree>(tree: Tree, log: Log, Native: ErrorClass = GraphQLError): Tree =>
  catching(tree, (error) => {
    throw isPublic(error) ? native(error, Native) : internalError(error, log, Native);
  });

/** The functions of scalars, which throw the server's own class of errors: what is wrong with a value is the caller's. */
export const withNativeErrors = <Tree>(tree: Tree, Native: ErrorClass): Tree =>
  catching(tree, (error) => {
    throw native(error as Error, Native);
  });

/** By its name too: it may be of another copy of graphql. */
const isPublic = (error: unknown): error is Error =>
  error instanceof SimiliError || (error instanceof Error && error.name === 'GraphQLError');

function native(error: Error, Native: ErrorClass): Error {
  if (error instanceof Native) return error;
  const { extensions, nodes } = error as Partial<GraphQLError>;
  return new Native(error.message, { ...(extensions && { extensions }), ...(nodes && { nodes }) });
}

function catching<Tree>(tree: Tree, rethrow: (error: unknown) => never): Tree {
  if (typeof tree === 'function') return catchingFunction(tree as unknown as Resolve, rethrow) as unknown as Tree;
  if (!isPlainObject(tree)) return tree;
  return Object.fromEntries(Object.entries(tree).map(([name, branch]) => [name, catching(branch, rethrow)])) as Tree;
}

const catchingFunction =
  (resolve: Resolve, rethrow: (error: unknown) => never): Resolve =>
  (...args) => {
    try {
      const result = resolve(...args);
      return result instanceof Promise ? result.catch(rethrow) : result;
    } catch (error) {
      return rethrow(error);
    }
  };

export function internalError(error: unknown, log: Log, Native: ErrorClass = GraphQLError): GraphQLError {
  const requestId = randomUUID();
  log.error({ err: error, requestId }, 'request failed');
  const { message, extensions } = new SimiliError('INTERNAL');
  return new Native(message, {
    extensions: { ...extensions, requestId },
  });
}
