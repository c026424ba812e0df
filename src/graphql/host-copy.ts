import { createRequire } from 'node:module';
import { join } from 'node:path';
import * as own from 'graphql';
import { SimiliError } from '../errors.ts';

/**
 * The module `graphql` of a server. Two copies of it, even of one version, have two sets of classes, and each refuses
 * the other's objects: what a server executes must be made by its own copy. Every 16.x fits; its types are not asked
 * for, since TypeScript tells the classes of two copies apart as well.
 */
export type GraphQLModule = {
  readonly GraphQLSchema: new (config: never) => object;
  readonly GraphQLError: new (message: string, options: never) => Error;
  buildASTSchema(document: never): object;
  extendSchema(schema: never, document: never): object;
};
/** The same module, as our own copy's types have it: what we call is alike in all of 16.x. */
export type OwnGraphQL = Pick<typeof own, 'GraphQLSchema' | 'GraphQLError' | 'buildASTSchema' | 'extendSchema'>;

export const ownGraphQL: OwnGraphQL = own;

/**
 * The copy of graphql that made `schema`: the given one, ours, or that of the program that runs (its file, then the
 * working directory).
 * @throws SimiliError SCHEMA_UNSUITABLE when it is none of these.
 */
export function copyThatMade(schema: object, given: OwnGraphQL): OwnGraphQL {
  for (const copyOf of [() => given, () => own, ...programs().map((file) => () => copyBeside(file))]) {
    const copy = copyOf();
    if (copy && schema instanceof copy.GraphQLSchema) return copy;
  }
  throw new SimiliError('SCHEMA_UNSUITABLE', {
    why: 'it was made by another copy of graphql than any found here. Give that one: openSimili({ graphql }) after import * as graphql from "graphql"',
  });
}

/** Files beside which a program of Node finds its packages. */
const programs = (): string[] => [...(process.argv[1] ? [process.argv[1]] : []), join(process.cwd(), 'index.js')];

function copyBeside(file: string): OwnGraphQL | null {
  try {
    return createRequire(file)('graphql') as OwnGraphQL;
  } catch {
    return null;
  }
}
