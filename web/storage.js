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
