/**
 * Text by key that outlives the page: localStorage, and memory for what that does not take (storage is forbidden, full, or there is none, as in
 * some private windows and on servers). All tabs of an origin share it, so every key is written and removed as a whole and never read to be changed.
 */
export class Store {
  #memory = new Map<string, string>();

  /** Does all that was written outlive the page? */
  get isKept(): boolean {
    return this.#memory.size === 0;
  }

  set(key: string, value: string): void {
    try {
      localStorage.setItem(key, value);
      this.#memory.delete(key);
    } catch {
      this.#memory.set(key, value);
    }
  }

  get(key: string): string | null {
    return this.#memory.get(key) ?? attempt(() => localStorage.getItem(key), null);
  }

  remove(key: string): void {
    this.#memory.delete(key);
    attempt(() => localStorage.removeItem(key), undefined);
  }

  /** The JSON of a key; `otherwise` where there is none, or somebody else wrote there. */
  read<T>(key: string, otherwise: T): T {
    return attempt(() => JSON.parse(this.get(key) ?? '') as T | null, null) ?? otherwise;
  }

  /** All keys that begin so, sorted. */
  keys(prefix: string): string[] {
    const all = [...this.#memory.keys(), ...attempt(() => Object.keys(localStorage), [])];
    return all.filter((key) => key.startsWith(prefix)).sort();
  }
}

function attempt<T>(work: () => T, otherwise: T): T {
  try {
    return work();
  } catch {
    return otherwise;
  }
}
