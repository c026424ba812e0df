import type { GraphQLNamedType, GraphQLSchema } from 'graphql';

/** By type: resolvers of its fields (a function, or what a field may have, as `subscribe`), or functions of a scalar. */
export type ResolverMap = Record<string, Record<string, unknown>>;

/**
 * Puts resolvers into a schema that was just built, in place, and asks for no class of graphql: any copy may have made it
 * (`addResolversToSchema` of @graphql-tools knows only the copy that it imports). What the schema lacks is passed over.
 */
export function attach(schema: GraphQLSchema, resolvers: ResolverMap): GraphQLSchema {
  for (const [name, own] of Object.entries(resolvers)) {
    const type = schema.getType(name);
    if (type) attachToType(type, own);
  }
  return schema;
}

function attachToType(type: GraphQLNamedType, own: Record<string, unknown>): void {
  const { __resolveType: resolveType, ...members } = own;
  if (resolveType) Object.assign(type, { resolveType });
  if (!('getFields' in type)) {
    Object.assign(type, members);
    return;
  }
  const fields = type.getFields();
  for (const [name, resolver] of Object.entries(members)) {
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (field) Object.assign(field, typeof resolver === 'function' ? { resolve: resolver } : resolver);
  }
}
