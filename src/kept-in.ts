/** A memory of objects: a value of each, as long as it lives itself. */
export type KeptIn<Owner extends object, Value> = {
  get(owner: Owner): Value | undefined;
  set(owner: Owner, value: Value): void;
};

/**
 * A value that belongs to a request, kept in the request's own object under a symbol that nobody else has. In a WeakMap a value that leads back to its request would keep both,
 * and all that they lead to, through each quick garbage collection until a full one (ADR 11). An object that takes no more properties is kept in one all the same.
 */
export function keptIn<Owner extends object, Value>(): KeptIn<Owner, Value> {
  const key = Symbol('simili');
  const others = new WeakMap<Owner, Value>();
  return {
    get: (owner) => (Object.hasOwn(owner, key) ? (owner as Record<symbol, Value>)[key] : others.get(owner)),
    set(owner, value) {
      if (Object.isExtensible(owner)) Object.defineProperty(owner, key, { value, configurable: true });
      else others.set(owner, value);
    },
  };
}
