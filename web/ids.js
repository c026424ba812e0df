const VISITOR = 'simili.visitor';

/** A random RFC 9562 UUID, version 4; also on plain http, where `crypto.randomUUID` does not exist. */
export function randomUuid() {
  if (typeof crypto.randomUUID === 'function') return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** The pseudonym of this browser; a fresh one each time where storage is refused. */
export function visitorId() {
  const known = read(localStorage, VISITOR);
  if (known) return known;
  const fresh = randomUuid();
  write(localStorage, VISITOR, fresh);
  return fresh;
}

/** @param {Storage} storage @param {string} name */
export function read(storage, name) {
  try {
    return storage.getItem(name);
  } catch {
    return null; // storage is full or forbidden: the page works without
  }
}

/** @param {Storage} storage @param {string} name @param {string | null} value null: forget it */
export function write(storage, name, value) {
  try {
    if (value === null) storage.removeItem(name);
    else storage.setItem(name, value);
  } catch {
    // as above
  }
}
