import { SHORTEST_ADMIN_KEY } from '../config.ts';
import { SimiliError } from '../errors.ts';
import { hashOfKey, isKeyOf } from '../keys.ts';
import type { KeyScope } from '../ports/authenticator.ts';
import type { ResolverMap } from './attach.ts';
import { requestHeader } from './request-header.ts';
import type { RequestContext } from './scope.ts';

/** Who may use the admin contract: one of the two. */
export type AdminGuard =
  | {
      /**
       * At least 16 characters, which a request sends as `Authorization: Bearer <key>`. The context that the server makes
       * must hold the request, as `request` (graphql-yoga's does) or `req`.
       */
      adminKey: string;
      authorize?: never;
    }
  | {
      adminKey?: never;
      /**
       * Only `true` lets a request in. Asked before each root field. A SimiliError that it throws is the caller's, anything else is an
       * error INTERNAL.
       */
      authorize: Authorize;
    };
/**
 * @param context whatever the server makes for each request.
 * @param scope what the field is for: a host that has keys of its own may let each do a part.
 */
export type Authorize = (context: RequestContext, scope: KeyScope) => boolean | Promise<boolean>;

const ROOTS = ['Query', 'Mutation', 'Subscription'];

/**
 * The same resolvers, whose root fields answer those alone whom the guard lets in; others get UNAUTHENTICATED.
 * @throws SimiliError CONFIGURATION_INVALID without a guard, or with a key that is too short.
 */
export function guarded<Map extends object>(resolvers: Map, guard: AdminGuard, scope: KeyScope): Map {
  const authorize = authorizeOf(guard);
  const check = async (context: RequestContext): Promise<void> => {
    if ((await authorize(context, scope)) !== true) throw new SimiliError('UNAUTHENTICATED');
  };
  return Object.fromEntries(
    Object.entries(resolvers as ResolverMap).map(([type, fields]) => [
      type,
      ROOTS.includes(type) ? guardedFields(fields, check) : fields,
    ]),
  ) as Map;
}

function authorizeOf(guard: AdminGuard | undefined): Authorize {
  const { adminKey, authorize } = guard ?? {};
  if (typeof authorize === 'function' && adminKey === undefined) return authorize;
  if (typeof adminKey === 'string' && adminKey.length >= SHORTEST_ADMIN_KEY && authorize === undefined) {
    const hash = hashOfKey(adminKey);
    return (context) => isKeyOf(bearerOf(context), hash);
  }
  throw new SimiliError('CONFIGURATION_INVALID', {
    why: `plugin.admin() changes products and models: give it { adminKey } of at least ${SHORTEST_ADMIN_KEY} characters, or { authorize }`,
  });
}

type Resolve = (root: unknown, args: unknown, context: RequestContext, info: unknown) => unknown;
type Check = (context: RequestContext) => Promise<void>;

const guardedFields = (fields: Record<string, unknown>, check: Check): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, guardedField(field, check)]));

function guardedField(field: unknown, check: Check): unknown {
  const behind =
    (resolve: Resolve): Resolve =>
    async (root, args, context, info) => {
      await check(context);
      return resolve(root, args, context, info);
    };
  if (typeof field === 'function') return behind(field as Resolve);
  const { subscribe, ...rest } = field as { subscribe: Resolve };
  return { ...rest, subscribe: behind(subscribe) };
}

/** Key of a request; empty without one. */
const bearerOf = (context: RequestContext): string =>
  /^Bearer (\S+)$/i.exec(requestHeader(context, 'authorization'))?.[1] ?? '';
