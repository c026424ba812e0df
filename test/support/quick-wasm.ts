/**
 * Flags of V8 for processes of the tests. PGlite is WebAssembly, which V8 compiles twice: at once and simply, then what is hot once more and better.
 * A process that lives for seconds pays for the second (1.7 s of CPU a start) and does not live to gain by it.
 */
export const quickWasm: readonly string[] = ['--liftoff-only'];
