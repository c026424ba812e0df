/** A number that a business sees, and what tests must notice. */
export const mutations: readonly { name: string; file: string; from: string; to: string; tests: string[] }[];
