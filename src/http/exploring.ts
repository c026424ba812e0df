import { GraphQLError, getNamedType, isIntrospectionType, type ValidationRule } from 'graphql';
import { isLoopback } from '../addresses.ts';
import type { Config } from '../config.ts';

/**
 * May callers explore the contract: GraphiQL, introspection, suggestions, /schema.graphql? In development, and where
 * NODE_ENV says nothing and only this machine can call. What trusts a proxy is called by others, whatever it binds.
 */
export const isOpenToExplore = ({
  NODE_ENV,
  HOST,
  SIMILI_TRUSTED_HOPS,
}: Pick<Config, 'NODE_ENV' | 'HOST' | 'SIMILI_TRUSTED_HOPS'>): boolean =>
  NODE_ENV === 'development' || (NODE_ENV === undefined && SIMILI_TRUSTED_HOPS === 0 && isLoopback(HOST));

/** How much an endpoint tells of itself. */
export type Manners = {
  /** Introspection, and names in errors ("Did you mean"). */
  readonly explore: boolean;
  readonly stackTraces: boolean;
};

/** Not Apollo's own switch: its sentence tells the caller to change an option in this server's code. */
export const introspectionRules = (explore: boolean): ValidationRule[] => (explore ? [] : [refuseIntrospection]);

/** As graphql's NoSchemaIntrospectionCustomRule, but once a document. */
const refuseIntrospection: ValidationRule = (context) => {
  let isTold = false;
  return {
    Field(node) {
      const type = getNamedType(context.getType());
      if (isTold || !type || !isIntrospectionType(type)) return;
      isTold = true;
      context.reportError(new GraphQLError('GraphQL introspection has been disabled', { nodes: [node] }));
    },
  };
};
